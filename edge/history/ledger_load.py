"""Alarm load from the ledger: how many alarms a bed had in a shift, of which priority, how soon somebody knew.

An alarm is an episode; it counts in the shift in which it started to be told. Records of one event that stand in the
topic twice count once. The canary's alarms are none.
"""

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from edge.history.chain import Row, read
from edge.history.ledger import Ledger
from streams.contracts.alert import AlertType, Priority
from streams.contracts.topics import ALERTS

HOUR_MS: Final = 3_600_000
SHIFT_H: Final = 8
CANARY: Final = "vigil-canary-"
ANSWERED_MS_MAX: Final = 24 * HOUR_MS
"""An acknowledgement that comes later than so long after the end of the time asked for is not looked for [M]."""


@dataclass(slots=True)
class BedLoad:
    """What one bed had in one shift; times in s from an alarm's first telling to its acknowledgement."""

    patient: str
    shift_ts_ms: int
    """The shift's beginning, ms."""
    alarms: dict[Priority, int] = field(default_factory=lambda: {"high": 0, "medium": 0, "low": 0})
    technical: int = 0
    """Of all alarms, those about sensors, devices and the system itself."""
    rules: dict[str, int] = field(default_factory=dict)
    escalated: int = 0
    """Alarms whose priority rose, or that somebody else was asked to answer for."""
    ack_s: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        """All alarms."""
        return sum(self.alarms.values())

    @property
    def acknowledged(self) -> int:
        """Alarms that somebody acknowledged."""
        return len(self.ack_s)

    @property
    def median_ack_s(self) -> float | None:
        """How long half of the acknowledged alarms waited for it, at most, s."""
        return statistics.median(self.ack_s) if self.ack_s else None


@dataclass(slots=True)
class _Episode:
    patient: str
    rule: str
    start_ts_ms: int
    priority: Priority
    type: AlertType
    escalated: bool = False
    ack_ts_ms: int | None = None


def shift_of(ts_ms: int, shift_h: int, day_starts_ms: int = 0) -> int:
    """Return the beginning of the shift that a moment lies in, ms.

    Args:
        ts_ms: the moment.
        shift_h: a shift's length; shifts follow each other from the day's start on.
        day_starts_ms: when a day's first shift begins, ms after midnight UTC: with the ward's time zone taken off.
    """
    length_ms = shift_h * HOUR_MS
    return (ts_ms - day_starts_ms) // length_ms * length_ms + day_starts_ms


def alarm_load(
    ledger: Ledger, from_ts_ms: int, until_ts_ms: int, shift_h: int = SHIFT_H, day_starts_ms: int = 0
) -> list[BedLoad]:
    """Return the load of each bed and shift that had an alarm, by shift, the most loaded bed first.

    Alarms count that began to be told from `from_ts_ms` up to but not including `until_ts_ms`.
    """
    loads: dict[tuple[int, str], BedLoad] = {}
    for episode in _episodes(ledger.between(ALERTS, from_ts_ms, until_ts_ms + ANSWERED_MS_MAX)):
        if not from_ts_ms <= episode.start_ts_ms < until_ts_ms:
            continue
        shift_ts_ms = shift_of(episode.start_ts_ms, shift_h, day_starts_ms)
        load = loads.setdefault((shift_ts_ms, episode.patient), BedLoad(episode.patient, shift_ts_ms))
        load.alarms[episode.priority] += 1
        load.technical += episode.type == "technical"
        load.rules[episode.rule] = load.rules.get(episode.rule, 0) + 1
        load.escalated += episode.escalated
        if episode.ack_ts_ms is not None:
            load.ack_s.append((episode.ack_ts_ms - episode.start_ts_ms) / 1000)
    return sorted(loads.values(), key=lambda load: (load.shift_ts_ms, -load.count, load.patient))


def _episodes(rows: Iterable[Row]) -> Iterator[_Episode]:
    """Yield the alarms whose start is among the rows, with what came of them."""
    episodes: dict[str, _Episode] = {}
    for row in rows:
        said = read(row.value)
        if said is None or row.at_ts_ms is None or row.patient is None or row.patient.startswith(CANARY):
            continue
        name = str(said.get("episode", ""))
        if said.get("phase") == "start":
            episodes.setdefault(name, _begun(row, said))
        elif (episode := episodes.get(name)) is not None:
            if said.get("phase") == "escalate":
                episode.escalated = True
            if said.get("acknowledged_by") and episode.ack_ts_ms is None:
                episode.ack_ts_ms = row.at_ts_ms
    yield from episodes.values()


def _begun(row: Row, said: dict[str, object]) -> _Episode:
    priority, kind = str(said.get("priority")), str(said.get("type"))
    return _Episode(
        patient=row.patient or "",
        rule=str(said.get("rule", "")),
        start_ts_ms=row.at_ts_ms or 0,
        priority=priority if priority in ("high", "medium", "low") else "low",  # type: ignore[arg-type]
        type=kind if kind in ("physiological", "technical") else "advisory",  # type: ignore[arg-type]
    )
