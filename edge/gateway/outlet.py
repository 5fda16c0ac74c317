"""Frames of the simulator through a gateway's HTTP: one request after the other, again where needed."""

import http.client
import json
import threading
import time
from collections import deque
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from edge.gateway.http.server import READINGS_PATH
from streams.errors import BrokerUnreachable, UsageError

IN_FLIGHT_MAX: Final = 20_000
POST_FRAMES_MAX: Final = 500
REQUEST_S_MAX: Final = 15.0
RETRY_S: Final = 0.5
CLOSE_S_MAX: Final = 2.0
RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})


class HttpOutlet:
    """Hands frames to a gateway without waiting; a thread posts what has come since the last post.

    One request is on its way at a time, so frames stay in their order; one without an answer, or that a full gateway
    turned away, is sent again as it was, which is one reading each. A context manager.

    Attributes:
        acknowledged: frames that the gateway says are in Kafka.
        failed: frames that it refused.
    """

    def __init__(self, url: str, key: str = "") -> None:
        """Begin to post to a gateway, `http://HOST:PORT`, with an API key if it asks for one.

        Raises:
            UsageError: that is no such address.
            BrokerUnreachable: nobody listens there.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"gateway: {url!r} is not http://HOST:PORT")
        self._connection: http.client.HTTPConnection = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )(parts.hostname, parts.port, timeout=REQUEST_S_MAX)
        self._headers = {"Content-Type": "application/x-ndjson"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        try:
            self._connection.connect()
        except OSError as error:
            raise BrokerUnreachable(f"no gateway at {url}: {error.strerror or error}") from None
        self.acknowledged = self.failed = 0
        self._handed_over = 0
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._oldest_s = 0.0
        self._come = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway-outlet", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._come.set()
        self._thread.join(CLOSE_S_MAX)
        self._connection.close()

    @property
    def in_flight(self) -> int:
        """Frames handed over and neither acknowledged nor refused."""
        return self._handed_over - self.acknowledged - self.failed

    def oldest_s(self) -> float:
        """Return how long the oldest of them has been on its way, s."""
        return time.monotonic() - self._oldest_s if self._oldest_s else 0.0

    def send(self, key: bytes, value: bytes) -> object | None:
        """Hand a frame over without waiting; None = not now."""
        if self.in_flight >= IN_FLIGHT_MAX:
            return None
        self._handed_over += 1
        self._waiting.append((time.monotonic(), value))
        self._come.set()
        return value

    def _run(self) -> None:
        while not self._ending.is_set():
            self._come.wait()
            self._come.clear()
            while self._waiting and not self._ending.is_set():
                count = min(len(self._waiting), POST_FRAMES_MAX)
                frames = [self._waiting.popleft() for _ in range(count)]
                self._oldest_s = frames[0][0]
                self._deliver([value for _, value in frames])
            self._oldest_s = 0.0

    def _deliver(self, frames: list[bytes]) -> None:
        """Post until there is an answer that is one."""
        body = b"\n".join(frames)
        while not self._ending.is_set():
            try:
                self._connection.request("POST", READINGS_PATH, body, self._headers)
                answer = self._connection.getresponse()
                status, said = answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()  # the next request connects anew
                self._ending.wait(RETRY_S)
                continue
            if status in RETRIED:
                self._ending.wait(RETRY_S)
                continue
            taken = json.loads(said).get("accepted", 0) if status == 202 else 0
            self.acknowledged += taken
            self.failed += len(frames) - taken
            return
