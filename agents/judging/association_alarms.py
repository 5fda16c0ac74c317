"""Alarms of who is on which device: a device that is on no patient, and readings that were somebody else's.

A device on no patient has a stream of its own, judged like a patient's, which somebody must be told of. Where a device
does not belong to a stream that its frames went to, the readings say so (`~left`): the device is taken off there.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judging.alarms import MISPLACED, READINGS_WITHDRAWN, UNASSOCIATED, Alarm
from agents.judging.context import Context, RecordContext
from agents.judging.episode_events import Episodes
from agents.judging.reasons import Reason
from agents.judging.tick_alarms import Held, Levels, judge_levels
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.lifecycle import DELAYED, NORMAL, Event, is_open
from clinical.limits import MEDIUM, NEVER
from clinical.losses import UNASSOCIATED_S, silence_ms_max
from clinical.rules import TechnicalRules
from streams.contracts.association import Departure
from streams.contracts.frame import OWN_STREAM
from streams.decoding.decoded import Left
from tables.device_rows import NOBODY
from tables.identification import device_name
from tables.patients import PatientTable

Rows = NDArray[np.int64]

WITHDRAWN_MS: Final = 600_000
"""The alarm of readings that were somebody else's ends so long after the last of them; our choice [M]."""

TAKEN_OFF: Final = Details(note="its device was taken off the patient", reason=Reason.DEVICE_TAKEN_OFF)


class AssociationAlarms:
    """Judges what concerns devices and whom they are on."""

    def __init__(
        self, alarms: tuple[Alarm, ...], limits: int, episodes: Episodes, technical: TechnicalRules
    ) -> None:
        ids = [alarm.id for alarm in alarms]
        self._episodes, self._technical, self._limits = episodes, technical, limits
        self._unassociated: Final = ids.index(UNASSOCIATED)
        self._withdrawn: Final = ids.index(READINGS_WITHDRAWN)
        self._staying: Final = {
            column
            for column, alarm in enumerate(alarms)
            if alarm.type == "advisory" or alarm.id in (MISPLACED, READINGS_WITHDRAWN)
        }
        """Alarms that stay whatever is measured."""

    def leave(self, left: Left, recorded: bool, table: PatientTable, out: Verdict) -> None:
        """Take a device off a stream that it does not belong to, with the alarms that only it was the reason of."""
        said = left.departure
        row = table.row_of.get(said.patient)
        if row is None or left.offset <= int(table.reach([said.patient])[0]):
            return
        now = said.from_ts_ms if recorded else left.append_ts_ms
        record = RecordContext(left.offset, now, left.append_ts_ms, now)
        if said.withdrawn and not said.patient.startswith(OWN_STREAM):
            if table.alarm_state[row, self._withdrawn] == NORMAL:
                table.alarm_state[row, self._withdrawn] = DELAYED
            table.alarm_clear_ms[row, self._withdrawn] = NEVER
            table.dirty[row] = True
        slots, devices = table.slots[row], table.devices
        is_it = (slots != NOBODY) & (devices.name[slots] == device_name(said.device))
        gone, others = slots[is_it], slots[(slots != NOBODY) & ~is_it]
        if not len(gone) or self._is_still_there(table, gone, said):
            return
        # When the device was heard is forgotten with it; its patient, who was watched until now, must not be.
        known_ms = max(now, int(table.seen_ms(np.array([row]))[0]), int(table.known_ms[row]))
        context = Context(table, np.array([row]), record)
        if said.patient.startswith(OWN_STREAM) and (devices.heard_ms[others] == NEVER).all():
            if table.is_over(row) and not table.discharged[row]:
                return
            self._end_stream(context, out)
        else:
            self._take_off(table, row, said.device, gone, others)
            self._end_alarms(bool(len(others)), context, out)
            if not len(others):
                table.windows.clear(row)
        table.known_ms[row] = known_ms

    @staticmethod
    def _is_still_there(table: PatientTable, device: Rows, said: Departure) -> bool:
        """Return whether the device's newest frame is of after the time in which it does not belong there."""
        newest = table.devices.event_ms[device]
        return said.until_ts_ms is not None and bool(np.any(newest >= said.until_ts_ms))

    def _end_stream(self, context: Context, out: Verdict) -> None:
        """End a device's own stream with all its alarms.

        Which frames were judged stays known: one that comes again is not the first of a new stream.
        """
        table, row = context.table, context.row
        self._episodes.dismiss(context, TAKEN_OFF, out)
        table.end_stay(row)
        out.profiled.append(table.patients[row] or "")

    @staticmethod
    def _take_off(table: PatientTable, row: int, device: str, gone: Rows, kept: Rows) -> None:
        table.devices.give_back(gone)
        table.slots[row] = NOBODY
        table.slots[row, : len(kept)] = kept
        if table.last_device[row] == device:
            table.last_device[row], table.last_slot[row] = None, NOBODY
        table.dirty[row] = True

    def _end_alarms(self, stays: bool, context: Context, out: Verdict) -> None:
        """End the limit alarms of which no other device has a run; without another device, all that is measured."""
        table, row = context.table, context.row
        for column in range(self._limits if stays else len(table.alarms)):
            if column in self._staying or (stays and self._has_run(table, row, column)):
                continue
            if is_open(table.alarm_state[row, [column]])[0]:
                out.emit(self._episodes.move(context, row, column, Event.DISMISS, TAKEN_OFF))
            else:
                self._episodes.rest(table, row, column)

    @staticmethod
    def _has_run(table: PatientTable, row: int, column: int) -> bool:
        slots = table.slots[row]
        return bool(np.any(table.devices.run_onset_ms[slots[slots != NOBODY], column] != NEVER))

    def judge(self, noted: Rows, context: Context, out: Verdict) -> None:
        """Judge at a tick devices on no patient among n, and withdrawn readings among the `noted` of them, (k,)."""
        table, rows = context.table, context.rows
        for row in noted[table.alarm_state[noted, self._withdrawn] != NORMAL].tolist():
            self._judge_withdrawn(row, context, out)
        if not table.own_streams or not self._technical.enabled:
            return
        own = rows[np.isin(rows, table.known_rows(list(table.own_streams)))]
        slots, devices = table.of_devices(own), table.devices
        fresh = context.record.event_ms - devices.heard_ms[slots] <= silence_ms_max(
            self._technical, devices.interval_ms[slots]
        )
        sends = ((slots != NOBODY) & fresh).any(axis=1)
        levels = Levels(self._unassociated, Held(UNASSOCIATED_S), np.where(sends, MEDIUM + 1, 0))
        judge_levels(levels, self._episodes, context.of(own), out)

    def _judge_withdrawn(self, row: int, context: Context, out: Verdict) -> None:
        table, column, now = context.table, self._withdrawn, context.record.event_ms
        if table.alarm_clear_ms[row, column] == NEVER:
            table.alarm_clear_ms[row, column], table.dirty[row] = now, True
        if table.alarm_state[row, column] == DELAYED:
            self._episodes.begin(table, row, column, now, MEDIUM)
            out.emit(self._episodes.move(context, row, column, Event.DUE))
        elif now - int(table.alarm_clear_ms[row, column]) >= WITHDRAWN_MS:
            out.emit(self._episodes.move(context, row, column, Event.CLEAR))
