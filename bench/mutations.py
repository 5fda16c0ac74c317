"""What the runners of damaged inputs share: a door that checks what it is given, what was found, the command line."""

import argparse
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from clinical.vitals import ABSENT
from edge.gateway.accept import Headers, Reading, Refusal, Sender
from streams.contracts.frame import Frame

INPUT_S_MAX: Final = 10.0
"""An input that takes longer would hold up all others: counted as a hang."""

WRONG_SHOWN_MAX: Final = 10


@dataclass
class CheckingDoor:
    """Takes frames, and checks each against its contract."""

    kept: int = 0
    wrong: list[str] = field(default_factory=list)

    async def readings(
        self, sender: Sender, readings: Sequence[Reading], wait_s: float | None = None
    ) -> list[Refusal | None]:
        """Take frames."""
        for reading in readings:
            fields = msgspec.structs.asdict(reading.frame)
            there = {
                name: value
                for name, value in fields.items()
                if value is not msgspec.UNSET and value != ABSENT
            }
            try:
                Frame.model_validate(there | {"patient": reading.frame.patient or "p"})
            except ValueError as error:
                self.wrong.append(f"a frame that is none: {error}")
        self.kept += len(readings)
        return [None] * len(readings)

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Take a record."""
        self.kept += 1


@dataclass
class Found:
    """What became of the inputs: by outcome, and what was wrong."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest_s: float = 0.0

    def took(self, took_s: float, what: object) -> None:
        """Note how long an input took."""
        self.longest_s = max(self.longest_s, took_s)
        if took_s > INPUT_S_MAX:
            self.wrong.append(f"{took_s:.1f} s on {what!r}")


def command(about: str | None, run: Callable[[int, int], Found]) -> int:
    """Run as many inputs as the command line says, of its seed, and tell; return 1 where something was wrong."""
    options = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=100_000, help="how many damaged inputs (%(default)s)")
    options.add_argument(
        "--seed", type=int, default=1, help="the same seed makes the same inputs (%(default)s)"
    )
    given = options.parse_args()
    logging.disable(logging.CRITICAL)
    began_s = time.monotonic()
    found = run(given.inputs, given.seed)
    for outcome, count in found.outcomes.most_common():
        print(f"{count:8d} {outcome}")
    took_s, longest_ms = time.monotonic() - began_s, found.longest_s * 1000
    print(
        f"{given.inputs} inputs in {took_s:.0f} s, the longest {longest_ms:.0f} ms, {len(found.wrong)} wrong"
    )
    for one in found.wrong[:WRONG_SHOWN_MAX]:
        print(f"wrong: {one}")
    return 1 if found.wrong else 0
