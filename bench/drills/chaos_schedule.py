"""A random schedule of faults, from a seed alone: which one, when, and for how long. Pure."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

CALM_S: Final = 15.0
"""Before the first fault, and after each until the next that claims the same part."""

SETTLE_S: Final = 45.0
"""Between the last end of a fault and the end of the load, at least."""

PAUSE_S: Final = (3.0, 20.0)
"""Between the begin of a fault and the begin of the next, where nothing that both claim stands in the way."""


class Kind(Protocol):
    """What a schedule must know of a fault (`fault.Fault`)."""

    @property
    def name(self) -> str: ...
    @property
    def lasts_s(self) -> tuple[float, float]: ...
    @property
    def claims(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault of a schedule: from when to when, s of the load."""

    name: str
    from_s: float
    to_s: float


def draw(seed: int, seconds: float, kinds: Sequence[Kind]) -> tuple[Planned, ...]:
    """Return the faults of a run in the order of their begin.

    All kinds come once in an order of chance, then again in another one, and so on; the first round in which time is
    short for some is the last, so that none comes more than once more often than another. Two that claim one part are
    `CALM_S` apart; others may overlap.

    Args:
        seed: same seed, same schedule.
        seconds: how long the load lasts; every fault has ended `SETTLE_S` before.
        kinds: the faults there are, in any order; what is drawn does not depend on it.
    """
    rng = random.Random(seed)
    free_s = {claim: CALM_S for kind in kinds for claim in kind.claims}
    planned: list[Planned] = []
    begin_s = CALM_S
    whole = True
    while whole:
        for kind in rng.sample(sorted(kinds, key=lambda kind: kind.name), len(kinds)):
            from_s = max([begin_s, *(free_s[claim] for claim in kind.claims)])
            to_s = from_s + rng.uniform(*kind.lasts_s)
            pause_s = rng.uniform(*PAUSE_S)
            if to_s + SETTLE_S > seconds:
                whole = False
                continue
            planned.append(Planned(kind.name, round(from_s, 3), round(to_s, 3)))
            free_s |= dict.fromkeys(kind.claims, to_s + CALM_S)
            begin_s = from_s + pause_s
    return tuple(sorted(planned, key=lambda one: (one.from_s, one.name)))


def agenda(planned: Sequence[Planned]) -> Iterator[tuple[float, bool, int]]:
    """Yield what is to be done in the order of time: when (s of the load), whether a fault begins, and its place."""
    begins = ((one.from_s, True, place) for place, one in enumerate(planned))
    ends = ((one.to_s, False, place) for place, one in enumerate(planned))
    yield from sorted((*begins, *ends))  # an end comes before a begin of the same time
