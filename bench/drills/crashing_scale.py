"""`vigil scale` that dies at a named point, as by -9: `python -m bench.drills.crashing_scale POINT [its options]`."""

import os
import sys
from typing import Any, Final

import edge.scaling
from agents import splitting
from edge.cli import main as vigil
from edge.splitter import Splitter
from streams.config.settings import Settings
from streams.contracts.layout import Layout, Step
from streams.errors import VigilError
from streams.kafka.group_questions import GroupQuestions
from streams.kafka.layout_log import take

CRASH_CODE: Final = 137
IN_SPLIT: Final = "in-split"
SPLITTING: Final = "splitting"
POINTS: Final = (
    *("before-prepare", "after-prepare", "before-drain", "after-drain"),
    *(IN_SPLIT, "before-move", "after-move", "before-open", "after-open"),
)


def die(*_: Any) -> Any:
    """End at once, without a word to anybody."""
    os._exit(CRASH_CODE)


class CrashingSplitter(Splitter):
    """Its process ends once the state is written and where the groups begin is not, and takes the command along."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, (sys.executable, "-P", "-m", "bench.drills.crashing_scale", SPLITTING))

    def split(self) -> str:
        """Die with it."""
        try:
            return super().split()
        except VigilError:
            return str(die())


def crash_at(point: str) -> None:
    """Have the command of this process die there."""
    when, _, name = point.partition("-")
    if point == IN_SPLIT:
        edge.scaling.Splitter = CrashingSplitter  # type: ignore[assignment, attr-defined]
        return

    def dying(settings: Settings, before: Layout, step: Step, factor: int = 1) -> Layout:
        if step == name and when == "before":
            die()
        after = take(settings, before, step, factor)
        return die() if step == name else after

    edge.scaling.take = dying  # type: ignore[attr-defined]


def main(point: str, *options: str) -> int:
    """Run the command, or the process that splits for it."""
    if point == SPLITTING:
        GroupQuestions.commit = die  # type: ignore[assignment, method-assign]
        return splitting.main()
    crash_at(point)
    return vigil(["scale", *options])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
