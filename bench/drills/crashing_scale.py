"""`vigil scale` that dies at a named point, as by -9: `python -m bench.drills.crashing_scale POINT [its options]`."""

import os
import sys
from typing import Any, Final

import edge.scaling
from agents import splitting
from edge.cli import main as vigil
from streams.config.settings import Settings
from streams.contracts.layout import Layout, Step
from streams.kafka.layout_log import read_layout, take

CRASH_CODE: Final = 137
POINTS: Final = (
    *("before-prepare", "after-prepare", "before-drain", "after-drain"),
    *("in-split", "before-move", "after-move", "before-open", "after-open"),
)


def die(*_: Any) -> Any:
    """End at once, without a word to anybody."""
    os._exit(CRASH_CODE)


def crash_at(point: str) -> None:
    """Have the command of this process die there."""
    when, _, name = point.partition("-")
    if point == "in-split":
        # The state is written, where the groups begin is not.
        splitting._commit = die  # type: ignore[assignment]

        def split(settings: Settings, *arguments: str) -> str:
            return "" if arguments else str(splitting.split_state(settings, read_layout(settings)))

        edge.scaling._splitting = split
        return

    def dying(settings: Settings, before: Layout, step: Step, factor: int = 1) -> Layout:
        if step == name and when == "before":
            die()
        after = take(settings, before, step, factor)
        return die() if step == name else after

    edge.scaling.take = dying  # type: ignore[attr-defined]


if __name__ == "__main__":
    crash_at(sys.argv[1])
    sys.exit(vigil(["scale", *sys.argv[2:]]))
