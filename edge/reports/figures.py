"""The report's figures from episodes and orders: load per bed and shift, time to answer, what was withheld. Pure."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from edge.reports.episodes import Episode
from edge.reports.shifts import Rota, Shift
from edge.ward_state import SEVERITIES
from streams.contracts.command import Pause

LONGEST_SHOWN: Final = 20
RULES_SHOWN: Final = 25

WITHHOLDING: Final = {
    "check-sensor": "heart rate or pulse in doubt: their limit alarms up to medium wait for the sensor to be checked",
    "ward-silent": "a ward lost together: its patients' single silences are part of the ward's alarm",
    "babbling-device": "a device that sends too much: frames between two looks are not judged",
    "limits-widened": "limits wider than the unit's: what lies between is not told",
}
"""Rules whose episodes are times in which something else was not told, and what."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How soon alarms were acknowledged; times in s, None where none was."""

    started: int
    acknowledged: int
    median_s: float | None
    p90_s: float | None


@dataclass(slots=True)
class Cell:
    """The alarms that began at one bed in one shift."""

    counts: Counter[str] = field(default_factory=Counter)
    answered_s: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All of them."""
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class Bed:
    """One patient in one ward: cells by shift."""

    ward: str
    patient: str
    cells: dict[Shift, Cell]

    @property
    def total(self) -> int:
        """Alarms of all shifts."""
        return sum(cell.total for cell in self.cells.values())


@dataclass(frozen=True, slots=True)
class Withheld:
    """What was not told, or told in silence: why, how often, for how many, how long together, most at once."""

    why: str
    what: str
    times: int
    patients: int
    lasted_s: float
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Ward:
    """The alarms of one ward."""

    ward: str
    beds: tuple[Bed, ...]
    shifts: Counter[int]
    """How many of each number lie in the time, in part at least."""
    answers: dict[str, Answers]
    counts: Counter[str]


@dataclass(frozen=True, slots=True)
class Figures:
    """All of the report."""

    from_ms: int
    until_ms: int
    wards: tuple[Ward, ...]
    answers: dict[str, Answers]
    rules: tuple[tuple[str, Counter[str]], ...]
    longest: tuple[Episode, ...]
    withheld: tuple[Withheld, ...]
    off_reasons: tuple[tuple[str, int], ...]
    still_open: int
    episodes: int


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile: the least value that `share` of all reach or stay below; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def answers_of(episodes: Iterable[Episode]) -> Answers:
    """Return how soon alarms were acknowledged."""
    began = [one for one in episodes if one.started_ms is not None]
    times = [one.answered_s for one in began if one.answered_s is not None]
    return Answers(len(began), len(times), percentile(times, 0.5), percentile(times, 0.9))


def by_severity(episodes: Sequence[Episode]) -> dict[str, Answers]:
    """Return the same for each severity that occurs, and for all."""
    found = {name: [one for one in episodes if one.severity == name] for name in SEVERITIES}
    return {name: answers_of(own) for name, own in found.items() if own} | {"all": answers_of(episodes)}


def figures(
    episodes: Sequence[Episode],
    paused: Sequence[tuple[str, Pause]],
    from_ms: int,
    until_ms: int,
    rota: Rota,
    ward_at: Callable[[str, int], str],
    zone_of: Callable[[str], ZoneInfo],
) -> Figures:
    """Return the figures of a time, ms: of the episodes that began in it or were open in it.

    Load and answers are of those that began in it; durations and what was withheld of all.
    """
    placed: defaultdict[str, list[Episode]] = defaultdict(list)
    for one in episodes:
        if _began_in(one, from_ms, until_ms):
            placed[ward_at(one.patient, one.started_ms or one.onset_ms)].append(one)
    began = [one for own in placed.values() for one in own]
    rules = Counter(one.rule for one in began)
    of_rule = {rule: Counter(one.severity for one in began if one.rule == rule) for rule in rules}
    longest = sorted(episodes, key=lambda one: (-one.lasted_s(until_ms), one.onset_ms, one.id))
    return Figures(
        from_ms,
        until_ms,
        tuple(_ward(ward, placed[ward], rota, zone_of(ward), from_ms, until_ms) for ward in sorted(placed)),
        by_severity(began),
        tuple(
            (rule, of_rule[rule])
            for rule, _ in sorted(rules.items(), key=lambda item: (-item[1], item[0]))[:RULES_SHOWN]
        ),
        tuple(longest[:LONGEST_SHOWN]),
        tuple(_withheld(episodes, paused, until_ms)),
        tuple(_off_reasons(paused)),
        sum(one.ended_ms is None for one in episodes),
        len(began),
    )


def _began_in(one: Episode, from_ms: int, until_ms: int) -> bool:
    return one.started_ms is not None and from_ms <= one.started_ms < until_ms


def _ward(
    ward: str, episodes: Sequence[Episode], rota: Rota, zone: ZoneInfo, from_ms: int, until_ms: int
) -> Ward:
    beds: defaultdict[str, defaultdict[Shift, Cell]] = defaultdict(lambda: defaultdict(Cell))
    for one in episodes:
        assert one.started_ms is not None, "only those that began are counted"
        cell = beds[one.patient][rota.at(one.started_ms, zone)]
        cell.counts[one.severity] += 1
        if one.answered_s is not None:
            cell.answered_s.append(one.answered_s)
    found = [Bed(ward, patient, dict(cells)) for patient, cells in beds.items()]
    return Ward(
        ward,
        tuple(sorted(found, key=lambda bed: (-bed.total, bed.patient))),
        Counter(shift.number for shift in rota.between(from_ms, until_ms, zone)),
        by_severity(episodes),
        Counter(one.severity for one in episodes),
    )


def _withheld(
    episodes: Sequence[Episode], paused: Sequence[tuple[str, Pause]], until_ms: int
) -> Iterable[Withheld]:
    """Yield what was not told and why: pauses by their mode, then the rules that hold others back."""
    notices = [one for one in episodes if one.rule == "alarms-paused"]
    most = max((one.withheld_max for one in notices), default=0)
    for mode in ("audio-paused", "audio-off", "alarm-paused", "alarm-off"):
        own = [patient for patient, order in paused if order.mode == mode]
        if own:
            what = "told, but silent" if mode.startswith("audio") else "what began was withheld up to medium"
            yield Withheld(mode, what, len(own), len({*own}), math.nan)
    if notices:
        yield Withheld(
            "all pauses", "time in which a pause was in force", *_summed(notices, until_ms), most=most
        )
    silent = [one for one in episodes if one.began_silent]
    if silent:
        yield Withheld("audio pause", "alarms that began without a sound", *_summed(silent, until_ms))
    for rule, what in WITHHOLDING.items():
        own_rule = [one for one in episodes if one.rule == rule]
        if own_rule:
            yield Withheld(rule, what, *_summed(own_rule, until_ms))


def _summed(episodes: Sequence[Episode], until_ms: int) -> tuple[int, int, float]:
    patients = {one.patient for one in episodes}
    return len(episodes), len(patients), sum(one.lasted_s(until_ms) for one in episodes)


def _off_reasons(paused: Sequence[tuple[str, Pause]]) -> list[tuple[str, int]]:
    """Return why alarms were switched off, most frequent first."""
    reasons = Counter(order.reason for _, order in paused if order.mode.endswith("-off"))
    return sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
