"""The judge of commands: what each does to its patient at its place in the log, and what is answered.

A command is applied once however often it comes, and what cannot be done is refused with a reason and changes
nothing. Commands for a patient who is unknown are refused, except `admit`, limits and profile: these hold when the
first frame comes. A command comes to every partition: one where the patient neither is nor belongs passes it over.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from agents.judging.alarms import ALARMS_PAUSED
from agents.judging.broken_glass import is_broken_by, note_of
from agents.judging.context import Context, RecordContext
from agents.judging.episode_events import Refused
from agents.judging.limit_commands import LimitCommands
from agents.judging.parts import Parts
from agents.judging.reasons import Reason
from agents.judging.transitions import Details, Transition
from agents.judging.verdict import Verdict
from clinical.lifecycle import PAUSE_NAMES, Event, Pause, State, is_open
from clinical.limits import NEVER
from clinical.rules import AGE_BANDS
from streams.contracts import command as commands
from streams.contracts.alert import episode_id
from streams.contracts.command import ANSWER_ALERTS_MAX, Answer, Order, command_key
from streams.decoding.decoded import PlacedCommand
from tables.patients import PatientTable

OF_A_STAY: Final = (commands.SetLimits, commands.SetProfile, commands.Transfer, commands.Discharge)
"""Commands for patients who are admitted or at least measured, not for those who have left."""

OF_ALARMS: Final = (commands.Accept, commands.Reject, commands.Acknowledge, commands.BreakGlass)
"""Commands that change neither limits nor profile."""

AHEAD: Final = (commands.SetLimits, commands.SetProfile)
"""Commands that may come before the patient does."""

MODES: Final = {name: mode for mode, name in PAUSE_NAMES.items()}


class CommandJudge:
    """Judges commands under one rule set. Times are those of ticks."""

    def __init__(self, parts: Parts, recorded: bool, patients_max: int) -> None:
        self._parts, self._alarms, self._episodes = parts, parts.alarms, parts.episodes
        self._limits = LimitCommands(parts.limits)
        self._recorded = recorded
        self._patients_max = patients_max
        self._apply: dict[type[Any], Callable[[Any, Context, Verdict], None]] = {
            commands.Acknowledge: self._acknowledge,
            commands.Accept: self._accept,
            commands.Reject: self._reject,
            commands.Pause: self._pause,
            commands.Resume: self._resume,
            commands.SetLimits: self._set_limits,
            commands.SetProfile: self._set_profile,
            commands.Admit: self._admit,
            commands.Transfer: self._transfer,
            commands.Discharge: self._discharge,
            commands.BreakGlass: self._break_glass,
        }

    def judge(self, placed: PlacedCommand, table: PatientTable, out: Verdict) -> None:
        """Apply a command that is not part of the patient's state yet, and answer it."""
        command = placed.command
        if placed.offset <= int(table.reach([command.patient])[0]):
            return
        row, key = table.row_of.get(command.patient), command_key(command.id)
        if row is None and not table.is_home(command.patient):
            out.count(Reason.ELSEWHERE)
            return
        if row is not None and key in table.commands[row].tolist():
            out.count(Reason.REPEATED)
            return
        monitored = row is not None and int(table.seen_ms(np.array([row]))[0]) != NEVER
        record, reach = self._record(placed), table.gone.get(command.patient)
        is_new, reason, glass, found = row is None, "", "", Verdict()
        try:
            row = self._row(table, row, command, record)
            context = Context(table, np.array([row]), record)
            glass = self._allowed(table, row, placed)
            self._apply[type(command)](command, context, found)
            if glass:
                self._parts.broken_glass.use(glass, context, found)
        except Refused as refusal:
            reason = str(refusal)
            if is_new and row is not None:  # as if it had never come
                table.drop(command.patient)
                table.gone |= {} if reach is None else {command.patient: reach}
                row = None
        if row is not None:
            _remember(table, row, key, record.now_ms)
        out.tally.refused += bool(reason)
        out.tally.accepted += not reason
        out.transitions += found.transitions
        if not reason and not isinstance(command, OF_ALARMS):
            out.profiled.append(command.patient)
        out.answers.append(self._answer(placed, reason, found.transitions, monitored, bool(glass)))

    def _record(self, placed: PlacedCommand) -> RecordContext:
        command = placed.command
        now = command.issued_ts_ms if self._recorded else placed.append_ts_ms
        return RecordContext(
            placed.offset, now, placed.append_ts_ms, now, actor=command.actor, command=command.id
        )

    def _answer(
        self, placed: PlacedCommand, refusal: str, emitted: list[Transition], monitored: bool, broken: bool
    ) -> Answer:
        command, ahead = placed.command, "" if monitored else ", held for the first frame"
        glass = f", by broken glass: {placed.person.break_glass}" if broken else ""
        alerts = [
            f"{episode_id(one.patient, self._alarms[one.column].id, one.onset_ms)}-{one.number}"
            for one in emitted[:ANSWER_ALERTS_MAX]
        ]
        return Answer(
            id=command.id,
            patient=command.patient,
            command=command.kind,
            outcome="refused" if refusal else "accepted",
            reason=refusal or f"{command.kind} by {command.actor}{ahead}{glass}",
            alerts=tuple(alerts),
            offset=placed.offset,
            append_ts_ms=placed.append_ts_ms,
            order_partition=placed.place.partition,
            order_offset=placed.place.offset,
            monitored=monitored,
        )

    def _row(self, table: PatientTable, row: int | None, command: Order, record: RecordContext) -> int:
        """Return the row of a patient whom the command may concern."""
        if row is None and isinstance(command, (commands.Admit, *AHEAD)):
            if int(table.known_at(np.array([record.offset]))[0]) >= self._patients_max:
                raise Refused("too many patients: the partition has no room for another one")
            row = table.row(command.patient, record.offset)
        if row is None:
            raise Refused("unknown patient: no frame has come and nobody was admitted under this name")
        if table.discharged[row] and isinstance(command, OF_A_STAY):
            raise Refused("the patient is discharged")
        return row

    @staticmethod
    def _allowed(table: PatientTable, row: int, placed: PlacedCommand) -> str:
        """Return in words that glass is broken, empty where it is not.

        A patient of no ward is judged as of the one that the command names.

        Raises:
            Refused: the person may not do this in the patient's ward.
        """
        person, kind = placed.person, placed.command.kind
        ward = table.ward[row].decode() or getattr(placed.command, "ward", None) or ""
        if refusal := person.refusal(kind, ward):
            raise Refused(refusal)
        return note_of(person, kind) if is_broken_by(person, kind, ward) else ""

    def _open_alarm(self, command: Any, context: Context) -> int:
        """Return the column of an open alarm by its episode."""
        table, row = context.table, context.row
        for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist():
            onset = int(table.alarm_onset_ms[row, column])
            if episode_id(command.patient, self._alarms[column].id, onset) == command.episode:
                if self._alarms[column].id == ALARMS_PAUSED:
                    raise Refused("a pause cannot be acknowledged, only ended by resume")
                return int(column)
        raise Refused(f"no open alarm of episode {command.episode}: it is over or was never announced")

    def _acknowledge(self, command: commands.Acknowledge, context: Context, out: Verdict) -> None:
        column = self._open_alarm(command, context)
        if context.table.alarm_state[context.row, column] == State.ACKNOWLEDGED:
            raise Refused("already acknowledged")
        said = Details(note=f"acknowledged by {command.actor}")
        out.emit(self._episodes.move(context, context.row, column, Event.ACKNOWLEDGE, said))

    def _accept(self, command: commands.Accept, context: Context, out: Verdict) -> None:
        column = self._open_alarm(command, context)
        out.emit(self._parts.responsibilities.accept(context, context.row, column))

    def _reject(self, command: commands.Reject, context: Context, out: Verdict) -> None:
        column = self._open_alarm(command, context)
        out.emit(self._parts.responsibilities.reject(context, context.row, column))

    def _pause(self, command: commands.Pause, context: Context, out: Verdict) -> None:
        seconds = command.seconds or commands.PAUSE_S_DEFAULT
        self._parts.pauses.begin(MODES[command.mode], seconds, context, out)

    def _resume(self, command: commands.Resume, context: Context, out: Verdict) -> None:
        if context.table.pause[context.row] == Pause.NONE:
            raise Refused("nothing is paused")
        self._parts.pauses.end(f"resumed by {command.actor}", context, out)

    def _set_limits(self, command: commands.SetLimits, context: Context, _: Verdict) -> None:
        self._limits.set_limits(context.table, context.row, command)

    def _set_profile(self, command: commands.SetProfile, context: Context, _: Verdict) -> None:
        table, row = context.table, context.row
        scale2 = bool(table.scale2[row]) if command.spo2_scale2 is None else command.spo2_scale2
        self._set_band_and_ward(command, scale2, context)
        if command.expected_oxygen is not None:
            table.oxygen[row] = command.expected_oxygen

    def _set_band_and_ward(
        self, command: commands.SetProfile | commands.Admit, scale2: bool, context: Context
    ) -> None:
        """Take the SpO2 scale, and the age band and the ward if the command names them."""
        table, row = context.table, context.row
        band = int(table.age_band[row]) if command.age_band is None else AGE_BANDS.index(command.age_band)
        if (band, scale2) != (table.age_band[row], table.scale2[row]):
            self._limits.set_profile(table, row, band, scale2)
        table.age_known[row] |= command.age_band is not None
        if command.ward is not None:
            self._move(table, row, command.ward)

    def _admit(self, command: commands.Admit, context: Context, _: Verdict) -> None:
        table, row = context.table, context.row
        if table.since_ms[row] > NEVER and not table.discharged[row]:
            raise Refused("already admitted")
        self._set_band_and_ward(command, bool(table.scale2[row]), context)
        table.discharged[row], table.since_ms[row] = False, context.record.now_ms

    def _transfer(self, command: commands.Transfer, context: Context, _: Verdict) -> None:
        if context.table.ward[context.row] == command.ward.encode():
            raise Refused(f"already in {command.ward}")
        self._move(context.table, context.row, command.ward)

    def _move(self, table: PatientTable, row: int, ward: str) -> None:
        """Put a patient into a ward; another ward's alarm no longer suppresses the patient's own."""
        if table.ward[row] != ward.encode():
            self._parts.silences.leave(table, row)
            table.ward[row] = ward.encode()

    @staticmethod
    def _break_glass(_command: commands.BreakGlass, _context: Context, _out: Verdict) -> None:
        """Emit nothing here: what is emitted of it is emitted of every use."""

    def _discharge(self, command: commands.Discharge, context: Context, out: Verdict) -> None:
        said = Details(note=f"monitoring ended, discharged by {command.actor}", reason=Reason.DISCHARGED)
        self._episodes.dismiss(context, said, out)
        context.table.discharge(context.row, context.record.now_ms)


def _remember(table: PatientTable, row: int, key: int, now_ms: int) -> None:
    """Remember a command, so that it is not applied again: its patient is not forgotten right after it either."""
    table.commands[row, 1:] = table.commands[row, :-1]
    table.commands[row, 0] = key
    table.known_ms[row], table.dirty[row] = max(int(table.known_ms[row]), now_ms), True
