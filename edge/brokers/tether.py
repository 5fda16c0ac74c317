"""Child processes that do not outlive us, even if we are killed without a chance to clean up.

On Linux the child asks the kernel for SIGKILL when its parent is gone, before it becomes the program.
Elsewhere there is no such request: the child ends when its owner stops it. This file runs as a script
(`python tether.py PARENT PROGRAM ...`) instead of as a hook between fork and exec, which is unsafe in a
process that has threads.

The kernel watches the *thread* that started the child: start one from a thread that lives as long as it does.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

_PR_SET_PDEATHSIG: Final = 1
_SIGKILL: Final = 9


def spawn(
    command: Sequence[str],
    output: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    given: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `command` tethered to this thread, in a session of its own.

    Its own session keeps the terminal's Ctrl-C away from it, so that the owner decides the order of stopping.

    Args:
        command: program (an absolute path) and arguments.
        output: where its standard output and error go.
        environment: its whole environment; None = ours.
        given: where its standard input comes from.
    """
    tethered = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]
    return subprocess.Popen(
        tethered,
        stdin=given,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=None if environment is None else dict(environment),
        start_new_session=True,
    )


def stop(process: subprocess.Popen[bytes], term_wait_s: float, kill_wait_s: float = 2.0) -> int:
    """Ask the process to end, wait, then kill it; return its exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(term_wait_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(kill_wait_s)


def _become(parent_pid: int, command: list[str]) -> None:
    """Tether this process to its parent and turn it into the program."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the request took effect
        os._exit(_SIGKILL + 128)
    os.execv(command[0], command)


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
