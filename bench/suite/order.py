"""The order of a bench: which measurements are made, one after the other, and how long each is expected to take.

Rounds go over all systems, so that a slow spell of the machine falls on all of them. What the targets need comes first;
further repeats of bursts come last, as long as there is time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.suite import growth
from bench.suite.burst import HEADLINE_FACTOR, Bursts
from bench.suite.driver import FRAMES_MAX, lead_s
from bench.suite.equality import PATIENTS, QUIET_S, SECONDS
from bench.suite.open_loop import WARM_FRAMES
from bench.suite.sustainable import WINDOW_S
from bench.suite.systems import SYSTEMS, System
from bench.suite.targets import BASES

PHASES: Final = ("equality", "drain", "sustainable", "burst", "growth")
MEMORY: Final = "memory"
"""A measurement of the phase growth."""

MINUTES: Final = 60.0
"""How long a bench may take; what does not fit is left out, and said."""

REPEATS: Final = 5
"""Of every drain."""
SEARCHES: Final = {"vigil": 3, "faust": 3}
"""How often the sustainable rate of those is searched for whose median a base rate is a share of; once elsewhere."""
COMPARED: Final = ("vigil", "kafka-streams")
"""The systems whose bursts are near each other: they have more repeats than the others."""

FIRST: Final = {"low": Bursts(True, 2), "high": Bursts(True, 1)}
"""What a system's first run at each base holds. A burst at the high base leaves a backlog: one a run."""
AGAIN: Final = {"low": Bursts(False, 3), "high": Bursts(False, 1)}
AGAIN_ROUNDS: Final = {"low": 1, "high": 4}
"""Further runs of the compared systems, up to five headline bursts at each base, as far as there is time."""
QUICK_FIRST: Final = {"low": Bursts(False, 1)}

LOW_SHARE: Final = 1 / 10
HIGH_SHARE: Final = 1 / 3
"""The base rates: of the slowest Python peer's sustainable rate, and of Vigil's."""

FILLED_A_SECOND: Final = 300_000
SETUP_S: Final = 40.0
"""Kafka's start, the log that is drained, the rehearsal of the bursts and the report."""
STEPS_EXPECTED: Final = 6
STEP_S: Final = 2.0
"""Of a search, and what one takes beside its window and its encoding."""
HIGH_TAIL_S: Final = 15.0
"""Until the backlog of a burst at the high base is worked off."""
RECOVERY_S: Final = 5.0
RECOVERED_A_SECOND: Final = 10_000
"""A recovery: the worker's start and stop, and patients a second, with their writing before."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What a system is expected to take on the reference machine: its start and stop, s, and frames/s on the wall."""

    start_s: float
    drain_hz: float
    sustained_hz: float


PACES: Final = {
    "vigil": Pace(12, 120_000, 70_000),
    "vigil-1": Pace(11, 80_000, 60_000),
    "faust": Pace(17, 3_500, 2_500),
    "quix": Pace(9, 30_000, 15_000),
    "bytewax": Pace(5, 150_000, 60_000),
    "kafka-streams": Pace(10, 400_000, 200_000),
    "flink": Pace(8, 400_000, 200_000),
    "raw-aiokafka": Pace(3, 500_000, 0),
    "raw-librdkafka": Pace(3, 600_000, 0),
}


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
        quick: the low base only, once, and nothing that grows.
    """
    first, again = (QUICK_FIRST, 0) if quick else (FIRST, 1)
    deciding = [system for system in systems if system.alarms and system.open_loop]
    found = [_equality(system) for system in deciding]
    for repeat in range(1, repeats + 1):
        found += [_drain(system, repeat, scale) for system in systems]
    for search in range(1, 1 + max(SEARCHES.values())):
        found += [_sustainable(one, search) for one in deciding if search <= SEARCHES.get(one.name, 1)]
    for base, bursts in first.items():
        found += [_burst(system, base, 1, bursts) for system in deciding]
    if SYSTEMS["vigil"] in systems and not quick:
        found += _growth()
    for repeat in range(2, 2 + max(AGAIN_ROUNDS.values()) * again):
        for base in BASES:
            if repeat < 2 + AGAIN_ROUNDS[base]:
                found += [
                    _burst(system, base, repeat, AGAIN[base])
                    for system in deciding
                    if system.name in COMPARED
                ]
    return [item for item in found if item.part_of in phases]


def _equality(system: System) -> Item:
    pace = PACES[system.name]
    return Item("equality", system, "", 1, pace.start_s + PATIENTS * SECONDS / pace.drain_hz + QUIET_S)


def _drain(system: System, repeat: int, scale: float) -> Item:
    pace = PACES[system.name]
    return Item("drain", system, "", repeat, pace.start_s + scale * system.drain_frames / pace.drain_hz)


def _sustainable(system: System, search: int) -> Item:
    pace = PACES[system.name]
    encoding_s = lead_s(pace.sustained_hz * WINDOW_S)
    steps_s = STEPS_EXPECTED * (WINDOW_S + encoding_s + STEP_S)
    return Item("sustainable", system, "", search, _warm_s(pace) + steps_s)


def _burst(system: System, base: str, repeat: int, bursts: Bursts) -> Item:
    pace, hz = PACES[system.name], expected_base_hz(base)
    if pace.sustained_hz < hz:  # it is not run
        return Item("burst", system, base, repeat, 0.0, bursts)
    frames = min(bursts.plan(hz, HEADLINE_FACTOR, 1).frames_about, FRAMES_MAX)
    tail_s = HIGH_TAIL_S if base == "high" else 0.0
    return Item(
        "burst", system, base, repeat, _warm_s(pace) + bursts.length_s + lead_s(frames) + tail_s, bursts
    )


def _growth() -> Iterator[Item]:
    vigil, pace = SYSTEMS["vigil"], PACES[growth.SYSTEM]
    for patients, partitions in growth.points():
        frames = growth.log_of(patients, partitions).frames
        drain_s = pace.start_s + frames / pace.drain_hz
        recovery_s = RECOVERY_S + patients / RECOVERED_A_SECOND
        seconds = frames / FILLED_A_SECOND + growth.repeats(patients, partitions) * (drain_s + recovery_s)
        yield Item("growth", vigil, f"{patients}-{partitions}", 1, seconds)
    for patients in growth.MEMORY_PATIENTS:
        frames = growth.memory_log(patients).frames
        seconds = frames / FILLED_A_SECOND + pace.start_s + frames / pace.drain_hz
        yield Item(MEMORY, vigil, str(patients), 1, seconds)


def _warm_s(pace: Pace) -> float:
    return pace.start_s + WARM_FRAMES / pace.drain_hz


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
