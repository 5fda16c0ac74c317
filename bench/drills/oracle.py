"""The oracle: what must have come out of the log, by the pure judge over each partition in one go, and what did.

Knows no broker: it is fed records as they were read back, so that captured lists can be judged as well.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from agents.dead_letters import kept
from agents.judging.alert_facts import report
from agents.judging.judge import Judge
from bench.drills.ledger import Ledger, Outcome, fingerprint
from clinical.clock import TimeRules
from clinical.rules import RuleSet
from edge.watching.monitoring_losses import MONITORING_LOST
from streams.config.settings import Settings
from streams.contracts.frame import TICK_KEY
from streams.decoding.decoded import Record
from streams.decoding.decoder import Decoder
from streams.kafka.security import seals_of

_WATCHERS: Final = f'"rule":"{MONITORING_LOST}"'.encode()

EXAMPLES_MAX: Final = 20
TOLD_MAX: Final = 10
"""How many alerts of each kind of trouble are shown, and how often each as it was told."""

CHUNK: Final = 4_000
"""Records that are judged together; the judge's verdict does not depend on it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One alert that the log leads to, and the offset of the record that decided it."""

    partition: int
    offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Seen:
    """One record of the alerts topic. Times in ms."""

    partition: int
    offset: int
    append_ms: int
    value: bytes


@dataclass(slots=True)
class Counts:
    """Promises as numbers: each must be zero."""

    lost_readings: int = 0
    lost_alerts: int = 0
    phantom_alerts: int = 0
    repeated_at_consumer: int = 0
    order_violations: int = 0
    altered_alerts: int = 0
    """Alerts whose content is not what the log leads to."""
    lost_bad_records: int = 0
    """Refused records that are not in the dead letters as they came, as far as those keep them."""
    phantom_dead_letters: int = 0


@dataclass(slots=True)
class Told:
    """The first occurrence of one alert, as a consumer that drops repeated ids sees it. Times in ms."""

    patient: str
    decided_ms: int
    append_ms: int

    @property
    def latency_ms(self) -> int:
        """From the broker taking the deciding record to the broker taking the alert."""
        return self.append_ms - self.decided_ms


@dataclass
class Oracle:
    """Fed with the log, the alerts and the dead letters; then asked."""

    settings: Settings
    rules: RuleSet
    expected: dict[str, Expected] = field(default_factory=dict)
    rejected: dict[tuple[int, int], tuple[str, int]] = field(default_factory=dict)
    """(partition, offset) of each record that is no frame: reason and fingerprint."""
    marks: dict[int, dict[int, int]] = field(default_factory=dict)
    ticks_ms: dict[int, list[int]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    letters: list[tuple[int, int, str, int]] = field(default_factory=list)
    records: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    """Some alerts that broke a promise, for who looks for the cause."""

    def __post_init__(self) -> None:
        settings = self.settings
        time_rules = TimeRules(
            settings.time_base == "recorded", settings.clock_ahead_ms_max, settings.live_horizon_ms
        )
        self._judge = Judge(
            self.rules,
            time_rules,
            settings.patient_ttl_s * 1000,
            settings.reading_partitions,
            settings.patients_max,
        )
        self._decoder = Decoder(seals_of(settings))
        self.tables = {p: self._judge.new_table(p) for p in range(settings.reading_partitions)}

    def take_readings(self, partition: int, records: Sequence[Record]) -> None:
        """Judge the next records of a partition."""
        for start in range(0, len(records), CHUNK):
            self._take(partition, records[start : start + CHUNK])

    def _take(self, partition: int, records: Sequence[Record]) -> None:
        self.records += len(records)
        marks = self.marks.setdefault(partition, {})
        for record in records:
            marks[record.offset] = fingerprint(record.key, record.value)
            if record.key == TICK_KEY:
                self.ticks_ms.setdefault(partition, []).append(record.timestamp)
        decoded, table = self._decoder.decode(records), self.tables[partition]
        for reject in decoded.rejects:
            self.rejected[partition, reject.record.offset] = reject.reason, _letter_mark(reject.record)
        verdict = self._judge.judge(table, decoded)
        strangers = set(verdict.strangers)
        for record in (one for one in records if one.offset in strangers):
            self.rejected[partition, record.offset] = "too-many-patients", _letter_mark(record)
        for transition in verdict.transitions:
            alert = report(self._judge.alarms[transition.column], transition)
            value = alert.model_dump_json().encode()
            self.expected[alert.id] = Expected(partition, transition.offset, value)
        table.processed = max(table.processed, records[-1].offset)

    def take_alerts(self, partition: int, records: Sequence[Any]) -> None:
        """Note the next records of a partition of the alerts topic; a watcher's own are no work of the log."""
        ours = (r for r in records if _WATCHERS not in r.value)
        self.seen += [Seen(partition, r.offset, r.timestamp, r.value) for r in ours]

    def take_letters(self, _partition: int, records: Sequence[Any]) -> None:
        """Note dead letters: where each says it comes from, why, and what it carries."""
        for record in records:
            headers = dict(record.headers)
            self.letters.append(
                (
                    int(headers["partition"]),
                    int(headers["offset"]),
                    headers["reason"].decode(),
                    fingerprint(record.key, record.value),
                )
            )

    def judge(self, ledger: Ledger, committed: Sequence[int]) -> Counts:
        """Compare all that was fed.

        Args:
            ledger: what the loader was told about each record it sent.
            committed: offset of each partition below which the group has finished; what lies beyond need not
                have led to an alert yet, but may have.
        """
        counts = Counts(lost_readings=self._lost_readings(ledger))
        self._judge_letters(counts, committed)
        self._judge_alerts(counts, committed)
        return counts

    def _lost_readings(self, ledger: Ledger) -> int:
        """Count acknowledged records that are not where the broker said."""
        nothing: dict[int, int] = {}
        return sum(
            outcome == Outcome.ACCEPTED and self.marks.get(partition, nothing).get(offset) != mark
            for outcome, partition, offset, mark in zip(
                ledger.outcome, ledger.partition, ledger.offset, ledger.mark, strict=True
            )
        )

    def _judge_letters(self, counts: Counts, committed: Sequence[int]) -> None:
        found = {(partition, offset): rest for partition, offset, *rest in self.letters}
        for place, what in self.rejected.items():
            if place[1] < committed[place[0]] and found.get(place) != list(what):
                counts.lost_bad_records += 1
        counts.phantom_dead_letters = len(found.keys() - self.rejected.keys())

    def _judge_alerts(self, counts: Counts, committed: Sequence[int]) -> None:
        contents: dict[str, set[bytes]] = {}
        homes: dict[str, set[int]] = {}
        reached: dict[str, tuple[int, bool]] = {}
        for seen in self.seen:
            alert = json.loads(seen.value)
            name = alert["id"]
            if name not in contents and not _in_order(alert, reached):
                counts.order_violations += 1
                self._show("order", name, {seen.value})
            contents.setdefault(name, set()).add(seen.value)
            homes.setdefault(name, set()).add(seen.partition)
        for name, values in contents.items():
            if len(values) > 1 or len(homes[name]) > 1:
                counts.repeated_at_consumer += 1
            expected = self.expected.get(name)
            if expected is None:
                counts.phantom_alerts += 1
                self._show("phantom", name, values)
            elif values != {expected.value}:
                counts.altered_alerts += 1
                self._show("altered", name, values)
        counts.lost_alerts = sum(
            expected.offset < committed[expected.partition] and name not in contents
            for name, expected in self.expected.items()
        )

    def _show(self, kind: str, name: str, values: Collection[bytes]) -> None:
        """Keep one of what broke, as it was told each time and as it should have been."""
        if sum(one["kind"] == kind for one in self.examples) >= EXAMPLES_MAX:
            return
        expected = self.expected.get(name)
        told = [
            (one.partition, one.offset, one.append_ms, one.value) for one in self.seen if one.value in values
        ]
        self.examples.append(
            {
                "kind": kind,
                "id": name,
                "expected": None if expected is None else json.loads(expected.value),
                "decided_at": None if expected is None else (expected.partition, expected.offset),
                "told": [
                    {"partition": partition, "offset": offset, "append_ms": at_ms, "alert": json.loads(value)}
                    for partition, offset, at_ms, value in told[:TOLD_MAX]
                ],
            }
        )

    def told(self) -> list[Told]:
        """Return the first occurrence of each alert, in the order in which a partition's reader meets them."""
        first: dict[str, Told] = {}
        for seen in self.seen:
            alert = json.loads(seen.value)
            if alert["id"] not in first:
                first[alert["id"]] = Told(alert["patient"], int(alert["append_ts_ms"]), seen.append_ms)
        return list(first.values())


def _letter_mark(record: Record) -> int:
    """Return the fingerprint of what the dead letter of a record holds."""
    return fingerprint(*kept(record.key, record.value))


def _in_order(alert: dict[str, Any], reached: dict[str, tuple[int, bool]]) -> bool:
    """Whether a new alert of an episode follows what was told of it: start first, numbers rise, end last."""
    number, (last, ended) = int(alert["id"].rpartition("-")[2]), reached.get(alert["episode"], (-1, False))
    reached[alert["episode"]] = max(number, last), ended or alert["phase"] in ("end", "reset")
    starts_first = (number == 0) == (alert["phase"] == "start") and (last >= 0 or number == 0)
    return starts_first and number > last and not ended
