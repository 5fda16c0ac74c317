"""A drill's worker under the parent of `vigil worker`: `python -m bench.drills.attended_worker MODULE ARGUMENTS`.

The parent sees its worker die and has the group drop it at once, a worker with faults built in as well.
"""

import sys

from edge.printing import say
from edge.supervisor import attend
from edge.told_to_end import told_to_end
from streams.config.settings import load_settings


def main(command: list[str]) -> int:
    """Run a module as the worker; return its exit code."""
    module = [sys.executable, "-P", "-m", *command]
    with told_to_end() as ending:
        return attend(load_settings(), ending, lambda line: say(line, err=True), module)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
