"""A drill of one fault: load, the fault, and load until all is well again."""

from collections.abc import Callable
from typing import Final

from bench.drills.fault import Fault, working
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running, wait_in_service

BEGIN: Final = 0.2
"""Share of the load's time that passes before the fault."""

LASTS: Final = 0.3
SERVICE_S_MAX: Final = 60.0


def once(fault: Fault) -> Callable[[Stage], None]:
    """Return what plays a fault once, for `LASTS` of the load's time."""

    def play(stage: Stage) -> None:
        stage.sleep_until(BEGIN)
        with working(stage, fault) as heal:
            keep_running(stage, LASTS * stage.seconds)
            heal()
            wait_in_service(stage, SERVICE_S_MAX)
        keep_running(stage, max(0.0, stage.left_s))

    return play
