"""The process that splits the workers' state, seen from the command: it knows of state, which the edge does not.

It starts and reads while the command does other things, for workers wait for what is left. It dies with the command,
so that nothing of it is written once another command has gone on.
"""

import json
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress
from subprocess import PIPE
from types import TracebackType
from typing import IO, Any, Final, Self

from edge.brokers.tether import spawn, stop
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.errors import NotWhole, UsageError, VigilError

SPLIT_S_MAX: Final = 120.0
"""For the state to be split; workers that were let on meanwhile have the last word."""

END_S_MAX: Final = 1.0
COMMAND: Final = (sys.executable, "-P", "-m", "agents.splitting")
_ERRORS: Final[dict[int, type[VigilError]]] = {kind.exit_code: kind for kind in (NotWhole, UsageError)}


class Splitter:
    """Asks the process; a context manager, to be used in the thread that made it.

    Args:
        settings: of the workers.
        command: the program (for tests).
    """

    def __init__(self, settings: Settings, command: tuple[str, ...] = COMMAND) -> None:
        self._settings, self._command = settings, command
        self._process: subprocess.Popen[bytes] | None = None
        self._listening: threading.Thread | None = None
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        """Its lines; an empty one is its end."""
        self._last_words = ""

    def __enter__(self) -> Self:
        self._process = spawn(self._command, PIPE, worker_environment(self._settings), PIPE)
        self._listening = threading.Thread(
            target=self._listen, args=(self._process.stdout,), name="splitting", daemon=True
        )
        self._listening.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        stop(self._process, END_S_MAX)
        if self._listening is not None:
            self._listening.join(END_S_MAX)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):  # a question that nobody took
                    pipe.close()

    def ahead(self) -> None:
        """Have it begin to read; nobody waits for that."""
        self._put("read")

    def look(self) -> str:
        """Return how many patients can be split; raises as `split` does."""
        return self._ask("look")

    def split(self) -> str:
        """Have the state split, and return what was.

        Raises:
            NotWhole: workers left none that can be split.
            UsageError: a patient is where the hash does not say.
            VigilError: it was not done, or not within `SPLIT_S_MAX`.
        """
        return self._ask("split")

    def _put(self, question: str) -> None:
        assert self._process is not None, "it is a context manager"
        assert self._process.stdin is not None, "it is a pipe"
        try:
            self._process.stdin.write(f"{question}\n".encode())
            self._process.stdin.flush()
        except OSError:
            return  # it has ended: its last words say why

    def _listen(self, output: IO[bytes]) -> None:
        for line in output:
            self._said.put(line)
        self._said.put(b"")

    def _ask(self, question: str) -> str:
        self._put(question)
        until_s = time.monotonic() + SPLIT_S_MAX
        while True:
            try:
                line = self._said.get(timeout=max(0.0, until_s - time.monotonic()))
            except queue.Empty:
                raise VigilError(f"the workers' state was not split within {SPLIT_S_MAX:g} s") from None
            if not line:
                raise VigilError(f"the splitting ended by itself: {self._last_words or 'no word'}")
            answer = _parsed(line)
            if answer is None:
                self._last_words = line.decode(errors="replace").strip().removeprefix("vigil: ")
            elif answer["question"] == question:
                return _told(answer)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return an answer; None for what is none, as a line of a log."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "question" in found else None


def _told(answer: dict[str, Any]) -> str:
    if "error" in answer:
        raise _ERRORS.get(answer["exit_code"], VigilError)(answer["error"])
    return f"{answer['patients']} patients in {answer['took_s']:.2f} s"
