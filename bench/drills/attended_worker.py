"""A drill's worker under the parent of `vigil worker`: `python -m bench.drills.attended_worker MODULE ARGUMENTS`.

The parent sees its worker die and has the group drop it at once, a worker with faults built in as well.
"""

import signal
import sys
import threading

from edge.printing import say
from edge.supervisor import attend
from streams.config.settings import load_settings


def main(command: list[str]) -> int:
    """Run a module as the worker; return its exit code."""
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    module = [sys.executable, "-P", "-m", *command]
    return attend(load_settings(), ending, lambda line: say(line, err=True), module)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
