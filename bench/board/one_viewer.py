"""One further viewer, of every ward: one that reads all it is sent, and one that reads nothing until it is cut."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from edge.metrics_scrape import scrape

REQUEST: Final = b"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CONNECT_S_MAX: Final = 10.0
RECEIVE_BYTES: Final = 4_096
"""Of the stuck viewer's own buffer, asked for."""

READ_BYTES: Final = 262_144
LOOK_S: Final = 0.5
JOIN_S_MAX: Final = 5.0
CUT: Final = "vigil_board_cut_total"


class Cuts:
    """How many viewers a board has cut, by its own count, looked at twice a second while the `with` block lasts.

    A viewer cannot see it without reading: what it has not taken comes before the end.
    """

    def __init__(self, metrics_port: int) -> None:
        self._url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, name="cuts", daemon=True)
        self._began_s = time.monotonic()
        self._before = self._counted()
        self.count = 0
        self.first_s: float | None = None
        """When the first was seen, s from the beginning."""

    def __enter__(self) -> "Cuts":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(JOIN_S_MAX)
        self._take()

    def _look(self) -> None:
        while not self._stop.wait(LOOK_S):
            self._take()

    def _take(self) -> None:
        self.count = self._counted() - self._before
        if self.count and self.first_s is None:
            self.first_s = time.monotonic() - self._began_s

    def _counted(self) -> int:
        samples = scrape(self._url)
        return int(samples.value(CUT) or 0) if samples else 0


@contextmanager
def stuck_viewer(port: int) -> Iterator[None]:
    """Have a viewer that takes nothing at all."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        made.settimeout(CONNECT_S_MAX)
        made.connect(("127.0.0.1", port))
        made.sendall(REQUEST)
        yield


@contextmanager
def reading_viewer(port: int) -> Iterator[None]:
    """Have a viewer that takes all."""
    with socket.create_connection(("127.0.0.1", port), CONNECT_S_MAX) as made:
        made.sendall(REQUEST)
        thread = threading.Thread(target=_read, args=(made,), name="reads", daemon=True)
        thread.start()
        yield
        made.shutdown(socket.SHUT_RDWR)
        thread.join(JOIN_S_MAX)


def _read(made: socket.socket) -> None:
    try:
        while made.recv(READ_BYTES):
            pass
    except OSError:
        return
