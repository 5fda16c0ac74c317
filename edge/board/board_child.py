"""A board as a child process: for the demo."""

import os
import re
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.brokers.tether import spawn, stop
from edge.options import with_changes
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.errors import VigilError

READY_S_MAX: Final = 30.0
STOP_S_MAX: Final = 3.0
POLL_S: Final = 0.1
LOG_TAIL_CHARACTERS: Final = 500


@contextmanager
def board_child(settings: Settings) -> Iterator[str]:
    """Run a board while the block lasts, and give its address once it listens: on its port, or any free one.

    Raises:
        VigilError: it ended, or does not listen within `READY_S_MAX`.
    """
    port = settings.board_port if _is_free(settings.board_host, settings.board_port) else 0
    settings = with_changes(settings, board_port=port, board_metrics_port=0)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log_path = settings.data_dir / f"board-{os.getpid()}.log"
    with log_path.open("wb") as log:
        process = spawn([sys.executable, "-P", "-m", "edge", "board"], log, worker_environment(settings))
    try:
        until_s = time.monotonic() + READY_S_MAX
        while (url := _said(log_path)) is None:
            if process.poll() is not None or time.monotonic() > until_s:
                said = log_path.read_text(errors="replace").strip()[-LOG_TAIL_CHARACTERS:]
                raise VigilError(f"the board does not listen: {said}")
            time.sleep(POLL_S)
        yield url
    finally:
        stop(process, STOP_S_MAX)
        log_path.unlink(missing_ok=True)


def _said(log_path: Path) -> str | None:
    found = re.search(r"^board: (\S+)", log_path.read_text(errors="replace"), re.MULTILINE)
    return found[1] if found else None


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
    return True
