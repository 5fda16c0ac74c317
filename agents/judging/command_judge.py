"""The judge of commands: what each does to its patient at its place in the log, and what is answered.

A command is applied once however often it comes, and what cannot be done is refused with a reason and changes
nothing. Commands for a patient who is unknown are refused, except `admit`, limits and profile: these hold when the
first frame comes. A command comes to every partition: one where the patient neither is nor belongs passes it over.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from agents.judging.alarms import ALARMS_PAUSED, Alarm
from agents.judging.broken_glass import BrokenGlass, is_broken_by, note_of
from agents.judging.episode_events import Episodes, Moment, Refused
from agents.judging.limit_commands import LimitCommands
from agents.judging.pauses import Pauses
from agents.judging.responsibility import Responsibilities
from agents.judging.transitions import Transition
from agents.judging.verdict import Verdict
from agents.judging.ward_silences import Silences
from clinical.lifecycle import PAUSE_NAMES, Event, Pause, State, is_open
from clinical.limits import NEVER
from clinical.rules import AGE_BANDS
from streams.contracts import command as commands
from streams.contracts.alert import episode_id
from streams.contracts.command import ANSWER_ALERTS_MAX, Answer, Order, command_key
from streams.decoding.decoded import PlacedCommand
from tables.patients import PatientTable, by_order

OF_A_STAY: Final = (commands.SetLimits, commands.SetProfile, commands.Transfer, commands.Discharge)
"""Commands for patients who are admitted or at least measured, not for those who have left."""

OF_ALARMS: Final = (commands.Accept, commands.Reject, commands.Acknowledge, commands.BreakGlass)
"""Commands that change neither limits nor profile."""

AHEAD: Final = (commands.SetLimits, commands.SetProfile)
"""Commands that may come before the patient does."""

MODES: Final = {name: mode for mode, name in PAUSE_NAMES.items()}


class CommandJudge:
    """Judges commands under one rule set. Times are those of ticks."""

    def __init__(
        self,
        alarms: tuple[Alarm, ...],
        limits: LimitCommands,
        episodes: Episodes,
        pauses: Pauses,
        responsibilities: Responsibilities,
        silences: Silences,
        broken_glass: BrokenGlass,
        recorded: bool,
        patients_max: int,
    ) -> None:
        self._alarms = alarms
        self._limits = limits
        self._episodes = episodes
        self._pauses = pauses
        self._responsibilities = responsibilities
        self._silences = silences
        self._broken_glass = broken_glass
        self._recorded = recorded
        self._patients_max = patients_max
        self._apply: dict[type[Any], Callable[[PatientTable, int, Any, Moment], list[Transition]]] = {
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

    def judge(self, table: PatientTable, placed: PlacedCommand, verdict: Verdict) -> None:
        """Apply a command that is not part of the patient's state yet, and answer it."""
        command, tally = placed.command, verdict.tally
        if placed.offset <= int(table.reach([command.patient])[0]):
            return
        row, key = table.row_of.get(command.patient), command_key(command.id)
        if row is None and not table.is_home(command.patient):
            verdict.tally.elsewhere += 1
            return
        if row is not None and key in table.commands[row].tolist():
            tally.repeated += 1
            return
        monitored = row is not None and int(table.seen_ms(np.array([row]))[0]) != NEVER
        moment, reach = self._moment(placed), table.gone.get(command.patient)
        is_new, reason, glass, emitted = row is None, "", "", list[Transition]()
        try:
            row = self._row(table, row, command, moment)
            glass = self._allowed(table, row, placed)
            emitted = self._apply[type(command)](table, row, command, moment)
            if glass:
                emitted.append(self._broken_glass.emit(table, row, glass, moment))
        except Refused as refusal:
            reason = str(refusal)
            if is_new and row is not None:  # as if it had never come
                table.drop(command.patient)
                table.gone |= {} if reach is None else {command.patient: reach}
                row = None
        if row is not None:
            _remember(table, row, key)
        tally.refused += bool(reason)
        tally.accepted += not reason
        verdict.transitions += emitted
        if not reason and not isinstance(command, OF_ALARMS):
            verdict.profiled.append(command.patient)
        verdict.answers.append(self._answer(placed, reason, emitted, monitored, bool(glass)))

    def _moment(self, placed: PlacedCommand) -> Moment:
        command = placed.command
        now = command.issued_ts_ms if self._recorded else placed.append_ts_ms
        return Moment(placed.offset, now, placed.append_ts_ms, now, actor=command.actor, command=command.id)

    def _answer(
        self, placed: PlacedCommand, refusal: str, emitted: list[Transition], monitored: bool, broken: bool
    ) -> Answer:
        command, ahead = placed.command, "" if monitored else ", held for the first frame"
        glass = f", by broken glass: {placed.person.break_glass}" if broken else ""
        alerts = [
            f"{episode_id(h.patient, self._alarms[h.column].id, h.onset_ms)}-{h.number}"
            for h in emitted[:ANSWER_ALERTS_MAX]
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

    def _row(self, table: PatientTable, row: int | None, command: Order, moment: Moment) -> int:
        """Return the row of a patient whom the command may concern."""
        if row is None and isinstance(command, (commands.Admit, *AHEAD)):
            if int(table.known_at(np.array([moment.offset]))[0]) >= self._patients_max:
                raise Refused("too many patients: the partition has no room for another one")
            row = table.row(command.patient, moment.offset)
            if not isinstance(command, commands.Admit):
                table.since_ms[row] = by_order(moment.now_ms)
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

    def _open_alarm(self, table: PatientTable, row: int, command: Any) -> int:
        """Return the column of an open alarm by its episode."""
        for column in np.flatnonzero(is_open(table.alarm_state[row])).tolist():
            onset = int(table.alarm_onset_ms[row, column])
            if episode_id(command.patient, self._alarms[column].id, onset) == command.episode:
                if self._alarms[column].id == ALARMS_PAUSED:
                    raise Refused("a pause cannot be acknowledged, only ended by resume")
                return int(column)
        raise Refused(f"no open alarm of episode {command.episode}: it is over or was never announced")

    def _acknowledge(
        self, table: PatientTable, row: int, command: commands.Acknowledge, moment: Moment
    ) -> list[Transition]:
        column = self._open_alarm(table, row, command)
        if table.alarm_state[row, column] == State.ACKNOWLEDGED:
            raise Refused("already acknowledged")
        note = f"acknowledged by {command.actor}"
        return [self._episodes.move(table, row, column, Event.ACKNOWLEDGE, moment, note)]

    def _accept(
        self, table: PatientTable, row: int, command: commands.Accept, moment: Moment
    ) -> list[Transition]:
        column = self._open_alarm(table, row, command)
        return [self._responsibilities.accept(table, row, column, moment)]

    def _reject(
        self, table: PatientTable, row: int, command: commands.Reject, moment: Moment
    ) -> list[Transition]:
        column = self._open_alarm(table, row, command)
        return [self._responsibilities.reject(table, row, column, moment)]

    def _pause(
        self, table: PatientTable, row: int, command: commands.Pause, moment: Moment
    ) -> list[Transition]:
        seconds = command.seconds or commands.PAUSE_S_DEFAULT
        return self._pauses.begin(table, row, MODES[command.mode], seconds, moment)

    def _resume(
        self, table: PatientTable, row: int, command: commands.Resume, moment: Moment
    ) -> list[Transition]:
        if table.pause[row] == Pause.NONE:
            raise Refused("nothing is paused")
        return self._pauses.end(table, row, moment, f"resumed by {command.actor}")

    def _set_limits(
        self, table: PatientTable, row: int, command: commands.SetLimits, _: Moment
    ) -> list[Transition]:
        self._limits.set_limits(table, row, command)
        return []

    def _set_profile(
        self, table: PatientTable, row: int, command: commands.SetProfile, _: Moment
    ) -> list[Transition]:
        scale2 = bool(table.scale2[row]) if command.spo2_scale2 is None else command.spo2_scale2
        self._set_band_and_ward(table, row, command, scale2)
        if command.expected_oxygen is not None:
            table.oxygen[row] = command.expected_oxygen
        return []

    def _set_band_and_ward(
        self, table: PatientTable, row: int, command: commands.SetProfile | commands.Admit, scale2: bool
    ) -> None:
        """Take the SpO2 scale, and the age band and the ward if the command names them."""
        band = int(table.age_band[row]) if command.age_band is None else AGE_BANDS.index(command.age_band)
        if (band, scale2) != (table.age_band[row], table.scale2[row]):
            self._limits.set_profile(table, row, band, scale2)
        table.age_known[row] |= command.age_band is not None
        if command.ward is not None:
            self._move(table, row, command.ward)

    def _admit(
        self, table: PatientTable, row: int, command: commands.Admit, moment: Moment
    ) -> list[Transition]:
        if table.since_ms[row] > NEVER and not table.discharged[row]:
            raise Refused("already admitted")
        self._set_band_and_ward(table, row, command, bool(table.scale2[row]))
        table.discharged[row], table.since_ms[row] = False, moment.now_ms
        return []

    def _transfer(
        self, table: PatientTable, row: int, command: commands.Transfer, _: Moment
    ) -> list[Transition]:
        if table.ward[row] == command.ward.encode():
            raise Refused(f"already in {command.ward}")
        self._move(table, row, command.ward)
        return []

    def _move(self, table: PatientTable, row: int, ward: str) -> None:
        """Put a patient into a ward; another ward's alarm no longer stands for the patient's own."""
        if table.ward[row] != ward.encode():
            self._silences.leave(table, row)
            table.ward[row] = ward.encode()

    @staticmethod
    def _break_glass(
        _table: PatientTable, _row: int, _command: commands.BreakGlass, _moment: Moment
    ) -> list[Transition]:
        return []  # what is told of it is told of every use

    def _discharge(
        self, table: PatientTable, row: int, command: commands.Discharge, moment: Moment
    ) -> list[Transition]:
        note = f"monitoring ended, discharged by {command.actor}"
        emitted = self._episodes.dismiss(table, row, moment, note)
        table.discharge(row, moment.now_ms)
        return emitted


def _remember(table: PatientTable, row: int, key: int) -> None:
    """Remember a command, so that it is not applied again."""
    table.commands[row, 1:] = table.commands[row, :-1]
    table.commands[row, 0] = key
    table.dirty[row] = True
