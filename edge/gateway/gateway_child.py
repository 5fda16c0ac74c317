"""A gateway as a child process: for the demo."""

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
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
def gateway_child(settings: Settings, command: list[str]) -> Iterator[str]:
    """Run `command`, a gateway, while the block lasts, and give its address once it takes readings.

    Raises:
        VigilError: it ended, or takes none within `READY_S_MAX`.
    """
    settings = with_changes(settings, gateway_metrics_port=0)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log_path = settings.data_dir / f"gateway-{os.getpid()}.log"
    url = f"http://{settings.gateway_host}:{settings.gateway_http_port}"
    with log_path.open("wb") as log:
        process = spawn(command, log, worker_environment(settings))
    try:
        if not wait_ready(url, process, READY_S_MAX):
            said = log_path.read_text(errors="replace").strip()[-LOG_TAIL_CHARACTERS:]
            raise VigilError(f"the gateway does not take readings: {said}")
        yield url
    finally:
        stop(process, STOP_S_MAX)
        log_path.unlink(missing_ok=True)


def wait_ready(url: str, process: subprocess.Popen[bytes], wait_s: float) -> bool:
    """Wait until a gateway takes readings; False = it has ended, or takes none in time."""
    until_s = time.monotonic() + wait_s
    while not _ready(url):
        if process.poll() is not None or time.monotonic() > until_s:
            return False
        time.sleep(POLL_S)
    return True


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=1.0) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
