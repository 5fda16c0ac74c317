"""What the runners of damaged inputs share: a door that checks what it is given, what was found, the command line."""

import argparse
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import msgspec

from edge.gateway.accept import Headers, Reading, Refusal, Sender
from streams.contracts.frame import Frame

INPUT_S_MAX: Final = 10.0
"""An input that takes longer would hold up all others: counted as a hang."""

WRONG_SHOWN_MAX: Final = 10
CUT_BYTES_MAX: Final = 60
PIECE_BYTES_MAX: Final = 300
REPEATED: Final = (1, 1, 1, 2, 300)
"""How often a sign is put in."""


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
            written = msgspec.to_builtins(reading.frame)
            try:
                Frame.model_validate(written | {"patient": reading.frame.patient or "p"})
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

    @contextmanager
    def one(self, given: object) -> Iterator[None]:
        """Work off an input: note how long it took, and what was raised, which is what is looked for."""
        began_s = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.wrong.append(f"{type(error).__name__}: {error} on {given!r}")
        took_s = time.perf_counter() - began_s
        self.longest_s = max(self.longest_s, took_s)
        if took_s > INPUT_S_MAX:
            self.wrong.append(f"{took_s:.1f} s on {given!r}")


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to bytes of a corpus: `signs` are put in, parts between `separators` become `values`."""

    corpus: Sequence[bytes]
    signs: Sequence[bytes]
    values: Sequence[bytes] = ()
    separators: Sequence[bytes] = ()

    def once(self, chance: random.Random, content: bytes) -> bytes:
        """Return bytes with one thing done to them."""
        at, until = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        what = chance.randrange(8 if self.separators else 6)
        if what == 0:
            return content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :]
        if what == 1:
            return content[:at] + content[min(until, at + CUT_BYTES_MAX) :]
        if what == 2:
            return content[:at] + chance.choice(self.signs) * chance.choice(REPEATED) + content[at:]
        if what == 3:
            piece = content[at : min(until, at + PIECE_BYTES_MAX)]
            return content[:until] + piece * chance.choice((1, 1, 30)) + content[until:]
        if what == 4:
            other = chance.choice(self.corpus)
            return content[:at] + other[chance.randrange(len(other)) :]
        if what == 5:
            return content[:at]
        separator = chance.choice(self.separators)
        parts = content.split(separator)
        place = chance.randrange(len(parts))
        if what == 6:
            del parts[place]
        else:
            parts[place] = chance.choice((*self.values, b"", chance.choice(parts)))
        return separator.join(parts)


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
