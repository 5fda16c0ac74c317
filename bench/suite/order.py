"""The order of a bench: which measurements are made, one after the other.

Rounds go over all systems, there and back again, so that a slow spell of the machine falls on all of them. What the
targets need comes first; what only completes the picture comes last, as long as there is time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.suite import growth
from bench.suite.burst import Bursts
from bench.suite.paces import (
    BLOCKS_S,
    PACES,
    SETUP_S,
    TAKEOVER_S,
    burst_s,
    drain_s,
    equality_s,
    growth_s,
    memory_s,
    sustainable_s,
)
from bench.suite.small_blocks import ENGINES
from bench.suite.systems import SYSTEMS, System
from bench.suite.targets import BASES

PHASES: Final = ("equality", "drain", "blocks", "start", "sustainable", "burst", "takeover", "growth")
MEMORY: Final = "memory"
"""A measurement of the phase growth."""

MINUTES: Final = 35.0
QUICK_MINUTES: Final = 8.0
"""How long a bench may take; what does not fit is left out, and said."""

REPEATS: Final = 5
"""Of every drain."""
SLOW_REPEATS: Final = 2
SLOW: Final = ("faust", "quix", "bytewax")
"""The systems whose drains are so far from ours that fewer tell as much."""
SEARCHES: Final = {"vigil": 2, "faust": 1}
"""How often the sustainable rate is searched for early: of those that a base rate is a share of."""
COMPARED: Final = ("vigil", "kafka-streams")
"""The systems whose bursts are near each other: they come first and have more repeats than the others."""
BOUNDED: Final = "faust"
"""Its burst on the low base has a target too."""
BLOCKS: Final = 3
STARTS: Final = 3
"""Repeats, of each engine in turn."""

FIRST: Final = {"low": Bursts(True, 2), "high": Bursts(True, 1)}
"""What a compared system's first run at each base holds."""
OTHERS: Final = {"low": Bursts(True, 1), "high": Bursts(True, 1)}
AGAIN: Final = {"low": Bursts(False, 3), "high": Bursts(False, 1)}
AGAIN_ROUNDS: Final = {"low": 1, "high": 4}
"""Further runs of the compared systems, up to five headline bursts at each base, as far as there is time."""
TARGETED_ROUND: Final = 3
"""After this round there are three headline bursts at each base: what else targets are about comes next."""
QUICK_FIRST: Final = {"low": Bursts(False, 1), "high": Bursts(False, 1)}

LOW_SHARE: Final = 1 / 10
HIGH_SHARE: Final = 1 / 12
"""The base rates: of the slowest Python peer's sustainable rate, and of Vigil's. Ten times the high one is 0.83 of what
Vigil sustains."""


@dataclass(frozen=True, slots=True)
class Item:
    """One measurement and the seconds that it is expected to take. `bursts` is for those of the phase burst."""

    phase: str
    system: System
    variant: str
    repeat: int
    seconds: float
    bursts: Bursts | None = None

    @property
    def part_of(self) -> str:
        """The phase that it is wanted with."""
        return "growth" if self.phase == MEMORY else self.phase

    @property
    def name(self) -> str:
        """Phase, system, variant and repeat."""
        return " ".join(filter(None, [self.phase, self.system.name, self.variant, str(self.repeat)]))


def items(
    systems: Sequence[System], phases: Sequence[str], repeats: int, scale: float, quick: bool
) -> list[Item]:
    """Return the measurements in their order.

    Args:
        systems: which take part.
        phases: which of `PHASES` are wanted.
        repeats: rounds of drains.
        scale: of the drains' lengths.
        quick: one burst at each base, no search, and of what grows only a worker's memory.
    """
    found = [Item("equality", system, "", 1, equality_s(system)) for system in _deciding(systems)]
    for repeat in range(1, repeats + 1):
        found += [
            Item("drain", system, "", repeat, drain_s(system, scale))
            for system in (systems if repeat % 2 else systems[::-1])
            if repeat <= SLOW_REPEATS or system.name not in SLOW
        ]
    found += _own(systems, quick)
    found += _once(systems) if quick else [*_needed(systems), *_completing(systems)]
    return [item for item in found if item.part_of in phases]


def _deciding(systems: Sequence[System]) -> list[System]:
    return [system for system in systems if system.alarms and system.open_loop]


def _own(systems: Sequence[System], quick: bool) -> Iterator[Item]:
    """Yield what only Vigil is asked and takes little time."""
    vigil = SYSTEMS["vigil"]
    if vigil not in systems:
        return
    for repeat in range(1, 1 + BLOCKS):
        yield from (Item("blocks", vigil, engine, repeat, BLOCKS_S) for engine in ENGINES)
    for repeat in range(1, 1 + STARTS):
        yield from (Item("start", vigil, engine, repeat, PACES["vigil"].start_s) for engine in ENGINES)
    for patients in growth.MEMORY_PATIENTS[:1] if quick else growth.MEMORY_PATIENTS:
        yield Item(MEMORY, vigil, str(patients), 1, memory_s(patients))


def _once(systems: Sequence[System]) -> Iterator[Item]:
    """Yield what a quick run holds of what targets are about."""
    for base, bursts in QUICK_FIRST.items():
        yield from (_burst(one, base, 1, bursts) for one in _deciding(systems) if one.name in COMPARED)
    if SYSTEMS["vigil"] in systems:
        yield Item("takeover", SYSTEMS["vigil"], "", 1, TAKEOVER_S)


def _needed(systems: Sequence[System]) -> Iterator[Item]:
    """Yield what targets are about: base rates, bursts, takeover, growth, and further repeats of the bursts."""
    deciding = _deciding(systems)
    for search in range(1, 1 + max(SEARCHES.values())):
        yield from (_search(one, search) for one in deciding if search <= SEARCHES.get(one.name, 0))
    compared = [system for system in deciding if system.name in COMPARED]
    for base, bursts in FIRST.items():
        yield from (_burst(system, base, 1, bursts) for system in compared)
    yield from (_burst(one, "low", 1, OTHERS["low"]) for one in deciding if one.name == BOUNDED)
    for repeat in range(2, 2 + max(AGAIN_ROUNDS.values())):
        for base in BASES:
            if repeat < 2 + AGAIN_ROUNDS[base]:
                yield from (_burst(system, base, repeat, AGAIN[base]) for system in compared)
        if repeat == TARGETED_ROUND:
            yield from _takeover_and_growth(systems)


def _takeover_and_growth(systems: Sequence[System]) -> Iterator[Item]:
    """Yield what only Vigil is asked and takes longer."""
    vigil = SYSTEMS["vigil"]
    if vigil in systems:
        yield Item("takeover", vigil, "", 1, TAKEOVER_S)
        yield from (_point(*point) for point in growth.points() if point in growth.COMPARED)


def _completing(systems: Sequence[System]) -> Iterator[Item]:
    """Yield what only completes the picture: bursts and rates of the other systems, the other points of growth."""
    deciding = _deciding(systems)
    if SYSTEMS["vigil"] in systems:
        yield Item("takeover", SYSTEMS["vigil"], "", 2, TAKEOVER_S)
    for base, bursts in OTHERS.items():
        for system in deciding:
            if system.name not in COMPARED and (base, system.name) != ("low", BOUNDED):
                yield _burst(system, base, 1, bursts)
    yield from (_search(system, 1) for system in deciding if system.name not in SEARCHES)
    if SYSTEMS["vigil"] in systems:
        yield from (_point(*point) for point in growth.points() if point not in growth.COMPARED)


def _search(system: System, repeat: int) -> Item:
    return Item("sustainable", system, "", repeat, sustainable_s(system))


def _burst(system: System, base: str, repeat: int, bursts: Bursts) -> Item:
    return Item("burst", system, base, repeat, burst_s(system, expected_base_hz(base), bursts), bursts)


def _point(patients: int, partitions: int) -> Item:
    seconds = growth_s(patients, partitions)
    return Item("growth", SYSTEMS["vigil"], f"{patients}-{partitions}", 1, seconds)


def base_hz(base: str, sustained_hz: Mapping[str, float]) -> float | None:
    """Return a base rate by what each system sustains: of the slowest Python peer, or of Vigil; None = unknown."""
    if base == "high":
        vigil = sustained_hz.get("vigil")
        return vigil and HIGH_SHARE * vigil
    peers = [rate for name, rate in sustained_hz.items() if SYSTEMS[name].python]
    return LOW_SHARE * min(peers) if peers else None


def expected_base_hz(base: str) -> float:
    """Return the base rate by the expected paces."""
    deciding = {name: pace.sustained_hz for name, pace in PACES.items() if SYSTEMS[name].open_loop}
    found = base_hz(base, deciding)
    assert found is not None
    return found


def fitting(found: Sequence[Item], minutes: float) -> list[Item]:
    """Return the items that are expected to fit into the time, as a run chooses them."""
    left_s, chosen = 60 * minutes - SETUP_S, []
    for item in found:
        if item.seconds <= left_s:
            chosen.append(item)
            left_s -= item.seconds
    return chosen


def table(found: Sequence[Item], minutes: float) -> str:
    """Return the plan for people: seconds by phase and system, their sum, and what does not fit."""
    chosen = fitting(found, minutes)
    lines = [f"{'phase':<14}{'seconds':>8}  expected on the reference machine with nothing else on it"]
    for name, group in _groups(chosen, lambda item: f"{item.phase}{' again' * _again(item)}").items():
        each = _groups(group, lambda item: f"{item.system.name} {item.variant}".strip())
        about = [
            f"{one} {f'{len(some)} x ' * (len(some) > 1)}{some[0].seconds:.0f}" for one, some in each.items()
        ]
        lines.append(f"{name:<14}{sum(item.seconds for item in group):>8.0f}  {', '.join(about)}")
    total_s = SETUP_S + sum(item.seconds for item in chosen)
    lines.append(f"{'the rest':<14}{SETUP_S:>8.0f}  Kafka, the log that is drained, rehearsals, the report")
    lines.append(f"{'in all':<14}{total_s:>8.0f}  {total_s / 60:.1f} minutes of {minutes:g}")
    if left := [item.name for item in found if item not in chosen]:
        lines.append(f"only if there is time: {', '.join(left)}")
    return "\n".join(lines)


def _again(item: Item) -> bool:
    return item.phase == "burst" and item.repeat > 1


def _groups(found: Sequence[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    groups: dict[str, list[Item]] = {}
    for item in found:
        groups.setdefault(key(item), []).append(item)
    return groups
