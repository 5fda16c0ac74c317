"""The judge of whole wards: devices that fall silent together are one alarm, told of the ward, not of its patients.

The alarm's patient is `~ward/NAME`, which no patient may be called. Every partition judges its own patients; one
that loses the same ward in the same minute tells of the same episode, and its start has the same id. What follows
has ids of each partition's own, so that the end in one does not pass for the end in another. Who knows of the alarm
is told of it again only when more patients are part of it: `lost_ward_told_ms` of an acknowledged one is `NEVER`. Who
was part of a loss that is over keeps its onset there: another loss in the same minute goes on with its numbers.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.alarms import WARD_SILENT, Happening
from agents.episodes import Moment, Refused
from agents.verdict import Verdict
from clinical.lifecycle import Phase, State
from clinical.limits import MEDIUM, NEVER
from clinical.losses import silence_ms_max
from clinical.masks import some
from clinical.rules import TechnicalRules
from clinical.ticking import CONTINUE_MS
from clinical.wards import NOWHERE, ward_loss
from streams.alerts import WARD, episode_id
from streams.commands import Acknowledge
from tables.patients import PatientTable

Rows = NDArray[np.int64]

NUMBERS_APART: Final = 1 << 10
"""Numbers of events that each group of patients has for itself; a loss told every minute for 17 hours fits."""

GROUPS: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LostWard:
    """A ward's open alarm in one partition: who is part of it (n,), since when, whether somebody knows, events told."""

    rows: Rows
    onset_ms: int
    is_acknowledged: bool
    events: int


def lost_ward(table: PatientTable, patient: str, before: int | None = None) -> LostWard | None:
    """Return the open alarm that is told of `patient`, ~ward/NAME, if there is one.

    `before` leaves out patients whose recovered state holds more of the log than what lies before that offset.
    """
    rows = table.occupied()
    chosen = (table.ward[rows] == patient.removeprefix(WARD).encode()) & (table.lost_ward_ms[rows] != NEVER)
    if before is not None:
        chosen &= table.position[rows] < before
    rows = rows[chosen]
    if not len(rows):
        return None
    told_ms, events = int(table.lost_ward_told_ms[rows[0]]), int(table.lost_ward_events[rows[0]])
    return LostWard(rows, int(table.lost_ward_ms[rows[0]]), told_ms == NEVER, events)


def patience_of(rules: TechnicalRules, table: PatientTable, rows: Rows) -> NDArray[np.int64]:
    """Return for how long each patient may be silent, (n,): as long as the device that was heard last may."""
    slots = table.of_devices(rows)
    last = table.devices.used[slots].argmax(axis=1)
    interval = table.devices.interval_ms[slots[np.arange(len(rows)), last]]
    return silence_ms_max(rules, interval)


class Wards:
    """Judges the wards of one partition; `silent` and `column` are those of the alarms of patient and ward."""

    def __init__(self, rules: TechnicalRules, silent: int, column: int) -> None:
        self._rules = rules
        self._silent = silent
        self._column = column

    def judge(
        self, table: PatientTable, rows: Rows, since: NDArray[np.int64], moment: Moment, verdict: Verdict
    ) -> NDArray[np.int64]:
        """Judge one tick and return since when each patient is silent who is not part of a ward's loss, (n,)."""
        part_before = table.lost_ward_ms[rows] != NEVER
        alone = table.alarm_state[rows, self._silent] != State.NORMAL
        if not (some((since != NEVER) & ~alone) or some(part_before)) or not self._rules.ward_silent:
            return since
        names, ward = np.unique(table.ward[rows], return_inverse=True)
        found = ward_loss(
            np.where(names[ward] == b"", NOWHERE, ward),
            len(names),
            moment.event_ms,
            table.seen_ms(rows),
            patience_of(self._rules, table, rows),
            alone,
            table.lost_ward_ms[rows],
        )
        for number in np.unique(ward[part_before | found.part]).tolist():
            here = ward == number
            name = names[number].decode()
            before, after = rows[here & part_before], rows[here & found.part]
            onset = found.onset_ms[here & found.part]
            number = self._number(table, rows[here], onset)
            verdict.happenings += self._ward(table, name, before, after, onset, number, moment)
        verdict.tally.withheld_by_ward += int((found.part & ~part_before).sum())
        return np.where(found.part, NEVER, since)

    def _ward(
        self,
        table: PatientTable,
        name: str,
        before: Rows,
        after: Rows,
        onset: NDArray[np.int64],
        number: int,
        moment: Moment,
    ) -> Iterator[Happening]:
        """Take over the patients who are part of a ward's loss, and tell of its start, of its lasting and its end.

        `number` is that of the start.
        """
        events, told_ms, onset_ms = number, moment.event_ms, NEVER
        first = len(after) > 0 and len(before) == 0
        if len(before):
            events = int(table.lost_ward_events[before[0]])
            told_ms, onset_ms = int(table.lost_ward_told_ms[before[0]]), int(table.lost_ward_ms[before[0]])
        onset_ms = int(onset[0]) if len(onset) else onset_ms
        is_known = len(before) > 0 and told_ms == NEVER
        new = np.setdiff1d(after, before)
        again = len(new) > 0 if is_known else moment.event_ms - told_ms >= CONTINUE_MS
        due = first or not len(after) or again
        if due:
            lasting = Phase.UPDATE if is_known else Phase.CONTINUE
            phase = Phase.START if first else lasting if len(after) else Phase.END
            yield self._told(WARD + name, len(after), phase, events, onset_ms, moment)
            told_ms = moment.event_ms
            events = events + 1 if events else self._first_number(table, after)
        left = np.setdiff1d(before, after)
        table.lost_ward_ms[left], table.lost_ward_told_ms[left] = NEVER, onset_ms
        table.lost_ward_events[left] = events
        joined = after if due else new
        table.lost_ward_ms[joined] = onset_ms
        table.lost_ward_told_ms[joined], table.lost_ward_events[joined] = told_ms, events
        table.dirty[left] = True
        table.dirty[joined] = True

    def acknowledge(self, table: PatientTable, order: Acknowledge, moment: Moment) -> list[Happening]:
        """Take note that somebody knows of a ward's alarm.

        Raises:
            Refused: no such alarm is open in this partition, or somebody knows of it already.
        """
        lost = lost_ward(table, order.patient, moment.offset)
        if lost is None or episode_id(order.patient, WARD_SILENT, lost.onset_ms) != order.episode:
            raise Refused(f"no open alarm of episode {order.episode} in this partition")
        if lost.is_acknowledged:
            raise Refused("already acknowledged")
        table.lost_ward_told_ms[lost.rows] = NEVER
        table.lost_ward_events[lost.rows] = lost.events + 1
        table.dirty[lost.rows] = True
        told = self._told(order.patient, len(lost.rows), Phase.UPDATE, lost.events, lost.onset_ms, moment)
        return [
            replace(
                told,
                value=None,
                note=f"acknowledged by {order.actor}",
                state=State.ACKNOWLEDGED,
                acknowledges=True,
                actor=order.actor,
                command=order.id,
            )
        ]

    def leave(self, table: PatientTable, row: int, moment: Moment) -> list[Happening]:
        """Take a patient who is moved, discharged or gone out of the ward's loss; with the last one its alarm ends."""
        ended = list[Happening]()
        if table.lost_ward_ms[row] != NEVER:
            patient = WARD + table.ward[row].decode()
            lost = lost_ward(table, patient)
            if lost is not None and len(lost.rows) == 1:
                told = self._told(patient, 0, Phase.END, lost.events, lost.onset_ms, moment)
                ended.append(replace(told, note="nobody is left of the silent patients"))
        table.lost_ward_ms[row], table.lost_ward_told_ms[row], table.lost_ward_events[row] = NEVER, NEVER, 0
        return ended

    @staticmethod
    def _number(table: PatientTable, rows: Rows, onset: NDArray[np.int64]) -> int:
        """Return the number of the start of a loss: 0, or the next one of an episode that began in the same minute."""
        again = (table.lost_ward_ms[rows] == NEVER) & np.isin(table.lost_ward_told_ms[rows], onset)
        return int(table.lost_ward_events[rows][again].max(initial=0))

    @staticmethod
    def _first_number(table: PatientTable, rows: Rows) -> int:
        """Return the number from which on a group's events count, a pure function of who is in it."""
        name = min(table.patients[row] or "" for row in rows.tolist())
        digest = hashlib.blake2b(name.encode(), digest_size=4).digest()
        return int.from_bytes(digest, "little") % GROUPS * NUMBERS_APART + 1

    def _told(
        self, patient: str, patients: int, phase: Phase, number: int, onset_ms: int, moment: Moment
    ) -> Happening:
        lasting = f"for {(moment.event_ms - onset_ms) / 1000:g} s"
        note = f"{patients} patients without any frame {lasting}: look at gateway and network"
        return Happening(
            offset=moment.offset,
            column=self._column,
            patient=patient,
            phase=phase,
            number=number,
            priority=MEDIUM,
            onset_ms=onset_ms,
            event_ms=moment.event_ms,
            append_ms=moment.append_ms,
            value=float(patients),
            note="" if phase == Phase.END else note,
            state=State.NORMAL if phase == Phase.END else State.ACTIVE,
        )
