"""Damaged SDC reports at our mapping: whatever a state holds, it becomes frames of the contract or a reason.

`python -m bench.sdc_mutations --inputs 100000` says what became of each, and ends with 1 where something was wrong.
"""

import asyncio
import random
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from bench.mutations import CheckingDoor, Found, command
from edge.gateway.accept import Reading, Sender
from edge.gateway.sdc.metric_frames import framed
from edge.gateway.sdc.state_copies import Metric, StateReport
from edge.gateway.terms import TERMS, UNITS

NOW_S: Final = 1_700_000_000.0
METRICS_EACH_MAX: Final = 6
REASONS: Final = frozenset(
    [
        "stale",
        "clock-ahead",
        "no-time",
        "not-real",
        "no-number",
        "unknown-unit",
        "implausible",
        "codes-disagree",
    ]
)
_TEXTS: Final = (
    "",
    "\0",
    "^",
    "\\X0D\\",
    "147842^x",
    "\ud800",
    "x" * 10_000,
    "é",
    "None",
    " 147842",
    "147842",
)
_NUMBERS: Final[tuple[Any, ...]] = (
    None,
    *(
        Decimal(text)
        for text in ("NaN", "sNaN", "Infinity", "-Infinity", "-0", "1E+999999", "1E-999999", "72")
    ),
    *(float("nan"), 1e308, -1e308, 10**400, -1),
)
_TIMES: Final = (
    None,
    NOW_S,
    NOW_S - 9,
    NOW_S - 11,
    NOW_S + 11,
    0.0,
    -1.0,
    1e308,
    float("nan"),
    float("-inf"),
)
_VALIDITIES: Final = ("Vld", "Vldated", "Ong", "Qst", "Calib", "Inv", "Oflw", "Uflw", "NA", "", "vld")


def _metric(draw: random.Random) -> Metric:
    def often(good: Any, bad: Callable[[], Any]) -> Any:
        return bad() if draw.random() < 0.2 else good

    def text() -> str:
        return draw.choice(_TEXTS)

    codes = tuple(
        (often(str(draw.choice(TERMS).number), text), often("", text)) for _ in range(draw.randrange(3))
    )
    return Metric(
        handle=often(f"m{draw.randrange(9)}", text),
        version=often(1, lambda: draw.randrange(-(2**70), 2**70)),
        codes=codes,
        unit=often(str(draw.choice(UNITS)[0]), text),
        value=often(Decimal(draw.randrange(300)), lambda: draw.choice(_NUMBERS)),
        validity=often("Vld", lambda: draw.choice(_VALIDITIES)),
        mode=often("Real", text),
        activation=often("On", text),
        determined_s=often(NOW_S - draw.random(), lambda: draw.choice(_TIMES)),
    )


def run(inputs: int, seed: int) -> Found:
    """Map so many damaged reports and say what became of them."""
    found, door, draw = Found(), CheckingDoor(), random.Random(seed)
    for _ in range(inputs):
        report = StateReport(
            draw.choice(_TEXTS),
            draw.choice((0, 1, 2**70, draw.randrange(10**6))),
            tuple(_metric(draw) for _ in range(draw.randrange(METRICS_EACH_MAX + 1))),
            (),
            draw.choice((1_000, 0, -1, 2**70)),
            NOW_S,
        )
        with found.one(report):
            made = framed(report, "device-1", "", age_s_max=10.0)
            asyncio.run(_keep(door, made.frames))
            found.outcomes.update(made.faults)
            found.outcomes["frames"] += len(made.frames)
            found.wrong += [f"unknown reason {fault}" for fault in made.faults if fault not in REASONS]
    found.wrong += door.wrong
    return found


async def _keep(door: CheckingDoor, frames: list[Any]) -> None:
    await door.readings(Sender("s", ("*",)), [Reading(frame) for frame in frames])


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
