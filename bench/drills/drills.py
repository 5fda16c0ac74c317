"""The table of drills."""

from typing import Final

from bench.drills.run import Drill
from bench.drills.stage import Stage


def no_fault(stage: Stage) -> None:
    """Let the load run."""
    stage.sleep_until(1.0)


DRILLS: Final[dict[str, Drill]] = {
    drill.name: drill for drill in (Drill("steady", "load and no fault", no_fault, seconds=30),)
}
