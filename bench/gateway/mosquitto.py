"""mosquitto on loopback, for as long as a block lasts."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.brokers.tether import spawn, stop
from streams.errors import VigilError

READY_S_MAX: Final = 10.0
STOP_S_MAX: Final = 10.0
POLL_S: Final = 0.02


def program() -> str | None:
    """Return where mosquitto is; Debian keeps it off the path of who is not root."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")


@contextmanager
def mosquitto(port: int, folder: Path) -> Iterator[None]:
    """Run a broker that keeps any number of messages for who is away.

    Raises:
        VigilError: it is not installed, or does not listen within `READY_S_MAX`.
    """
    found = program()
    if found is None:
        raise VigilError("mosquitto is not installed")
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    broker = spawn([found, "-c", str(conf)], subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + READY_S_MAX
        while not _listens(port):
            if time.monotonic() > until_s:
                raise VigilError("mosquitto does not listen")
            time.sleep(POLL_S)
        yield
    finally:
        stop(broker, STOP_S_MAX)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
