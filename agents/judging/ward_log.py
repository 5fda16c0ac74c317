"""The judge of one partition of `vitals.wards`: counts of its wards in, alarms of wards and answers out.

Pure: no clock, no broker, no order but the log's. The same log gives the same alerts, wherever a restart falls. Who
begins reads the compacted topic from its start: what was committed is only taken in, what came after it is decided
again, except what a ward's state (`WardState`) says was decided already. Old records may have been compacted away, but
nothing of what is decided again: the topic keeps an hour of everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import ValidationError

from agents.judging.alarms import BREAK_GLASS, WARD_SILENT
from agents.judging.broken_glass import is_broken_by, note_of
from agents.judging.context import RecordContext
from agents.judging.transitions import Details, Transition
from clinical.lifecycle import CLOSING, Event, Phase, State, following
from clinical.limits import LOW, MEDIUM, NEVER
from clinical.wards import Count, Loss, event_of, newest, onset
from streams.contracts.alert import WARD, episode_id
from streams.contracts.command import COMMAND_KEY, Acknowledge, Answer, BreakGlass, Order
from streams.contracts.frame import TICK_KEY
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.contracts.ward import (
    COMMANDS_KEPT,
    RECORD_BYTES_MAX,
    WardRecord,
    WardReport,
    WardRuling,
    WardState,
)
from streams.decoding.decoded import Noted, PlacedCommand, Record, Reject, Unproved
from streams.decoding.decoder import read_note, read_tick
from streams.decoding.sealed import first_fault, read_placed

_STATES: Final = {"normal": State.NORMAL, "active": State.ACTIVE, "acknowledged": State.ACKNOWLEDGED}


@dataclass(slots=True)
class Findings:
    """What a run of records led to: alarms' transitions, answers to partitions and commands, wards' alarms by name.

    `notes` are about the partition itself, and not judged.
    """

    transitions: list[Transition] = field(default_factory=list)
    rulings: list[tuple[int, WardRuling]] = field(default_factory=list)
    """Each with the partition of the readings that it is for."""
    answers: list[Answer] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)
    """Wards whose alarm has changed, in the order of that."""
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Noted] = field(default_factory=list)


@dataclass(slots=True)
class Ward:
    """What is known of a ward: each partition's count, the alarm, and up to which record it was decided."""

    counts: dict[int, Count] = field(default_factory=dict)
    loss: Loss = field(default_factory=Loss)
    decided: int = NEVER
    commands: tuple[str, ...] = ()


class WardLog:
    """One partition of the topic, from the start of the log on.

    Args:
        partition: which.
        columns: of the ward's alarm, and of that which tells of broken glass, among all alarms.
        recorded: whether the time is that of the ticks that counts are of, as with recordings, not the broker's.
        committed: the offset below which all was decided by somebody; 0 = nobody has decided anything yet, and what is
            there is taken in as it is.
        end: the offset up to which the log must be read before anything is decided.
        seals: what commands are sealed with.
    """

    def __init__(
        self,
        partition: int,
        columns: tuple[int, int],
        recorded: bool,
        committed: int = 0,
        end: int = 0,
        seals: Seals = DEVELOPMENT,
    ) -> None:
        self._partition, (self._column, self._glass), self._recorded = partition, columns, recorded
        self._seals = seals
        self._from = min(committed, end) if committed else end
        self._end = end
        self._read: list[Record] = []
        self._is_begun = False
        self._now_ms = NEVER
        self.wards: dict[str, Ward] = {}
        self.processed = NEVER

    @property
    def durable(self) -> int:
        """The offset below which nothing must be decided again, `NEVER` before anything was decided."""
        return self.processed + 1 if self._is_begun else NEVER

    @property
    def is_lost(self) -> bool:
        """Whether an alarm of a ward is open."""
        return any(ward.loss.state != State.NORMAL for ward in self.wards.values())

    def take(self, records: Sequence[Record], until: int = NEVER) -> Findings:
        """Judge the next records; nothing is found until the log was read up to its end.

        `until` is the last offset that they cover, if that is not the last record's: what was compacted away and marks
        of transactions have offsets too.
        """
        found = Findings()
        self.processed = max(self.processed, until, *(record.offset for record in records[-1:]))
        if not self._is_begun:
            self._read += records
            if self.processed + 1 < self._end:
                return found
            self._is_begun = True
            records, self._read = self._read, []
            self._go_on_from_states(records)
        for record in records:
            self._take(record, found)
        return found

    def _go_on_from_states(self, records: Sequence[Record]) -> None:
        """Take over what the wards' states say, the one that reaches furthest of each."""
        for record in records:
            state = self._said(record)
            if isinstance(state, WardState):
                self._go_on_from(state)

    def _go_on_from(self, state: WardState) -> None:
        ward = self._ward(state.ward)
        if state.offset > ward.decided:
            ward.loss, ward.decided, ward.commands = loss_of(state), state.offset, state.commands

    def _ward(self, name: str) -> Ward:
        return self.wards.setdefault(name, Ward())

    def _take(self, record: Record, found: Findings) -> None:
        said, is_new = self._said(record), record.offset >= self._from
        if isinstance(said, Reject):
            found.rejects += [said] if is_new else []
        elif isinstance(said, Noted):
            found.notes += [said] if is_new else []
        elif isinstance(said, WardState):
            self._go_on_from(said)  # our own, mostly: it says nothing new
        elif isinstance(said, WardReport):
            self._report(said, record, is_new, found)
        elif isinstance(said, PlacedCommand):
            ward = self.wards.get(said.command.patient.removeprefix(WARD), Ward())
            if is_new and record.offset > ward.decided:
                self._command(said, ward, self._at(record, said.command.issued_ts_ms), found)
        elif said is None and not self._recorded:
            at = self._at(record, NEVER)
            for name, ward in self.wards.items():
                if is_new and record.offset > ward.decided and ward.loss.state != State.NORMAL:
                    self._judge(name, ward, at, found)

    def _said(self, record: Record) -> WardReport | WardState | PlacedCommand | Noted | Reject | None:
        return _read(record, self._seals)

    def _at(self, record: Record, recorded_ms: int) -> RecordContext:
        self._now_ms = max(self._now_ms, recorded_ms if self._recorded else record.timestamp)
        return RecordContext(record.offset, self._now_ms, record.timestamp, self._now_ms)

    def _report(self, report: WardReport, record: Record, is_new: bool, found: Findings) -> None:
        """Take a partition's count, if it is newer than what it has said, and judge the ward by it."""
        ward, at = self._ward(report.ward), self._at(record, report.tick_ts_ms)
        before = ward.counts.get(report.partition)
        if before is not None and before.tick_ms >= report.tick_ts_ms:
            return
        times = report.first_ts_ms, report.last_ts_ms, report.tick_ts_ms
        ward.counts[report.partition] = Count(report.patients, report.silent, *times)
        if not is_new or record.offset <= ward.decided:
            return
        is_ruled = self._judge(report.ward, ward, at, found)
        if not is_ruled and ward.loss.state != State.NORMAL and report.silent:
            self._rule(report.ward, report.partition, True, at, found)

    def _judge(self, name: str, ward: Ward, at: RecordContext, found: Findings) -> bool:
        """Judge a ward by the counts that hold; return whether a loss began or ended, which is told to who waits."""
        counts = [count for count in ward.counts.values() if count.holds(at.now_ms)]
        event, before = event_of(ward.loss, counts, at.now_ms), ward.loss
        _, phase = following(before.state, event)
        if phase == Phase.NONE:
            return False
        if phase == Phase.START:
            before = ward.loss = Loss(onset_ms=onset(before, counts))
        silent = sum(count.silent for count in counts)
        lasted_s = (at.now_ms - before.onset_ms) / 1000
        lasting = f"{silent} patients without any frame for {lasted_s:g} s: look at gateway and network"
        self._move(name, event, Details(float(silent), note="" if phase in CLOSING else lasting), at, found)
        if phase not in (Phase.START, Phase.END):
            return False
        for partition in sorted(p for p, count in ward.counts.items() if count.silent):
            self._rule(name, partition, phase == Phase.START, at, found)
        return True

    def _rule(self, name: str, partition: int, lost: bool, at: RecordContext, found: Findings) -> None:
        ruling = WardRuling(ward=name, lost=lost, partition=self._partition, offset=at.offset)
        found.rulings.append((partition, ruling))

    def _move(
        self, name: str, event: Event, details: Details, at: RecordContext, found: Findings
    ) -> Transition:
        """Apply an event that is reported to a ward's alarm, and emit the transition."""
        ward = self.wards[name]
        before = ward.loss
        state, phase = following(before.state, event)
        transition = Transition(
            offset=at.offset,
            column=self._column,
            patient=WARD + name,
            phase=phase,
            number=before.events,
            priority=MEDIUM,
            onset_ms=before.onset_ms,
            event_ms=at.now_ms,
            append_ms=at.append_ms,
            value=details.value,
            note=details.note,
            state=state,
            acknowledges=event == Event.ACKNOWLEDGE,
            actor=at.actor,
            command=at.command,
        )
        events = 0 if phase in CLOSING else before.events + 1
        ward.loss = replace(before, state=state, told_ms=at.now_ms, events=events)
        ward.decided = at.offset
        found.transitions.append(transition)
        found.changed[name] = None
        return transition

    def _command(self, placed: PlacedCommand, ward: Ward, at: RecordContext, found: Findings) -> None:
        """Take a command for the ward; one that comes again changes nothing."""
        command, person = placed.command, placed.person
        if command.id in ward.commands:
            return
        name, alerts = command.patient.removeprefix(WARD), tuple[str, ...]()
        refusal = person.refusal(command.kind, name)
        glass = (
            "" if refusal or not is_broken_by(person, command.kind, name) else note_of(person, command.kind)
        )
        if not refusal and isinstance(command, Acknowledge):
            refusal, alerts = self._acknowledge(command, name, ward, at, found)
        if glass and not refusal:
            alerts += self._emit_glass(glass, command, at, found)
        by_glass = f", by broken glass: {person.break_glass}"
        ward.commands, ward.decided = (command.id, *ward.commands)[:COMMANDS_KEPT], at.offset
        if name in self.wards:
            found.changed[name] = None
        found.answers.append(
            Answer(
                id=command.id,
                patient=command.patient,
                command=command.kind,
                outcome="refused" if refusal else "accepted",
                reason=refusal or f"{command.kind} by {command.actor}{by_glass if glass else ''}",
                alerts=alerts,
                offset=at.offset,
                append_ts_ms=at.append_ms,
                order_partition=placed.place.partition,
                order_offset=placed.place.offset,
                monitored=name in self.wards,
            )
        )

    def _acknowledge(
        self, command: Acknowledge, name: str, ward: Ward, at: RecordContext, found: Findings
    ) -> tuple[str, tuple[str, ...]]:
        """Take note that somebody knows of a ward's alarm; return why not, and the ids of what was emitted."""
        if ward.loss.state == State.NORMAL or command.episode != _episode(name, ward.loss):
            return f"no open alarm of episode {command.episode}: it is over or was never announced", ()
        if ward.loss.state == State.ACKNOWLEDGED:
            return "already acknowledged", ()
        said, by = (
            Details(note=f"acknowledged by {command.actor}"),
            replace(at, actor=command.actor, command=command.id),
        )
        emitted = self._move(name, Event.ACKNOWLEDGE, said, by, found)
        ward.loss = replace(ward.loss, known_ms=newest(ward.counts.values()))
        return "", (f"{_episode(name, ward.loss)}-{emitted.number}",)

    def _emit_glass(self, note: str, command: Order, at: RecordContext, found: Findings) -> tuple[str, ...]:
        """Emit that the ward was opened by broken glass, begun and over at once: no state of a ward holds it."""
        begun = Transition(
            offset=at.offset,
            column=self._glass,
            patient=command.patient,
            phase=Phase.START,
            number=0,
            priority=LOW,
            onset_ms=at.now_ms,
            event_ms=at.now_ms,
            append_ms=at.append_ms,
            note=note,
            actor=command.actor,
            command=command.id,
        )
        found.transitions += [begun, replace(begun, phase=Phase.END, number=1, state=State.NORMAL)]
        episode = episode_id(command.patient, BREAK_GLASS, at.now_ms)
        return f"{episode}-0", f"{episode}-1"


def _episode(name: str, loss: Loss) -> str:
    return episode_id(WARD + name, WARD_SILENT, loss.onset_ms)


def state_of(name: str, ward: Ward) -> WardState:
    """Return the record that says what a ward's alarm is."""
    loss = ward.loss
    return WardState(
        ward=name,
        offset=ward.decided,
        state=loss.state.name.lower(),  # type: ignore[arg-type]
        onset_ts_ms=loss.onset_ms,
        told_ts_ms=loss.told_ms,
        events=loss.events,
        known_ts_ms=loss.known_ms,
        commands=ward.commands,
    )


def loss_of(state: WardState) -> Loss:
    """Return the alarm that a record tells of."""
    times = state.onset_ts_ms, state.told_ts_ms
    return Loss(_STATES[state.state], *times, events=state.events, known_ms=state.known_ts_ms)


def _read(record: Record, seals: Seals) -> WardReport | WardState | PlacedCommand | Noted | Reject | None:
    """Return what a record says; None = time passes."""
    if record.key == TICK_KEY:
        tick = read_tick(record)
        return tick if isinstance(tick, Reject) else None
    if record.key == NOTE_KEY:
        return read_note(record, seals)
    if record.key == COMMAND_KEY:
        placed = read_placed(record, seals)
        if isinstance(placed, Unproved):
            return Reject(record, "unproven-command", "command: nobody has signed one")
        if isinstance(placed, Reject) or isinstance(placed.command, Acknowledge | BreakGlass):
            return placed
        return Reject(record, "invalid", f"a ward takes no {placed.command.kind}")
    value = record.value or b""
    if len(value) > RECORD_BYTES_MAX:
        return Reject(record, "too-large", f"{len(value)} bytes, at most {RECORD_BYTES_MAX}")
    try:
        said = WardRecord.model_validate_json(value).root
    except ValidationError as error:
        return Reject(record, "invalid", first_fault(error))
    if record.key != said.key:
        return Reject(record, "key-mismatch", f"the key of this record should be {said.key.decode()}")
    return said
