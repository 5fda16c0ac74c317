"""A worker without a broker: the judge on the real table, store and checkpoint, with a changelog in memory."""

import asyncio
from itertools import cycle

from engines import judge_of
from faust.types import TP
from lane_stand_in import StandInLane
from plain.telling import Told

from agents.judging.alarms import WARD_SILENT
from agents.judging.alert_facts import encoded, report
from clinical.clock import TimeRules
from streams.decoding.compiled_decoder import CompiledDecoder
from streams.decoding.decoder import Decoder
from streams.errors import PromiseBroken
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore

CHANGELOG = "changelog"


class Crash(Exception):
    """The worker died at this point."""


class MemoryLog:
    """A publisher whose broker keeps every record; it breaks down after `room` records, if that is set."""

    def __init__(self):
        self.records = []
        self.room = None

    async def settled(self):
        return

    async def publish_batch(self, topic, partition, records):
        for key, value in records:
            if self.room == 0:
                raise PromiseBroken("the broker is gone")
            if self.room is not None:
                self.room -= 1
            self.records.append((key.decode(), value))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(len(self.records) - 1)
        return arrived


class WorkerModel:
    """Works through one partition's log; what it told and made durable outlives its crashes."""

    def __init__(self, rules, time=None, patient_ttl_s=3600, partitions=1, patients_max=20_000, engine=None):
        time = time or TimeRules(recorded=True)
        self.judge = judge_of(rules, time, patient_ttl_s * 1000, partitions, patients_max, engine=engine)
        self.changelog = MemoryLog()
        self.committed = 0
        self.alerts = {}
        self.transitions = []
        self.answers = {}
        self.answered_twice = []
        self.rejects = []
        self.tallies = []
        self.dropped = []
        self.decoders = cycle((CompiledDecoder, Decoder))
        """A worker that starts again may be of another engine."""
        self._start()

    def _start(self):
        self.store = ColumnStore(self.judge.new_table)
        self.checkpointer = Checkpointer(
            *(self.store, self.changelog, CHANGELOG, StandInLane(on_durable=self._commit), "readings"),
            *(self._show, lambda took_s: None, self._broken),
        )
        self.decoder = next(self.decoders)()

    async def _show(self, partition, patients):
        """Stand in for boards."""

    def _commit(self, partition, offset):
        self.committed = offset

    def _broken(self, reason):
        raise Crash(reason)

    @property
    def table(self):
        return self.store.state(0)

    def take(self, records):
        """Judge one block, as the monitor does, and return its verdict."""
        if not records:
            return None
        decoded = self.decoder.decode(records)
        verdict = self.judge.judge(self.table, decoded)
        self.table.processed = max(self.table.processed, records[-1].offset)
        self.rejects += decoded.rejects
        self.tallies.append(verdict.tally)
        self.dropped += verdict.dropped
        self.store.partition(0).dropped.update(verdict.dropped)
        for transition in verdict.transitions:
            self.transitions.append(transition)
            alarm = self.judge.alarms[transition.column]
            alert = report(alarm, transition)
            assert encoded(alarm, transition) == alert.model_dump_json().encode()
            told = self.alerts.setdefault(alert.id, alert)
            assert told == alert, f"two alerts of one id: {told} and {alert}"
        for answer in verdict.answers:
            if self.answers.setdefault((answer.patient, answer.id), answer) != answer:
                self.answered_twice.append(answer)
        return verdict

    def checkpoint(self):
        asyncio.run(self.checkpointer.checkpoint(0))

    def torn_checkpoint(self, room):
        """Die in the middle of a checkpoint, after `room` records of it."""
        self.changelog.room = room
        try:
            self.checkpoint()
        except Crash:
            pass
        finally:
            self.changelog.room = None
        self.restart()

    def restart(self):
        """Die without a word and recover from the changelog, as the next owner does."""
        self._start()
        for patient, record in self.changelog.records:
            self.store.apply(0, patient, record)
        asyncio.run(self.store.on_recovery_completed({TP(CHANGELOG, 0)}, set()))

    def work(self, log, actions=()):
        """Work through the log; `actions` are (index, what, how much) where something befalls the worker."""
        plan = {}
        for index, *what in actions:
            plan.setdefault(index % (len(log) + 1), []).append(what)
        at, pending = 0, sorted(plan)
        while at < len(log) or pending:
            stop = pending[0] if pending else len(log)
            self.take(log[at:stop])
            at = max(at, stop)
            if not pending:
                break
            for what, amount in plan[pending.pop(0)]:
                at = self._befall(what, amount, log, at)

    def _befall(self, what, amount, log, at):
        if what == "checkpoint":
            self.checkpoint()
        elif what == "restart":
            self.restart()
        elif what == "torn":
            self.torn_checkpoint(amount)
        if what in ("restart", "torn"):
            resumed = next((i for i, record in enumerate(log) if record.offset >= self.committed), len(log))
            self.take(log[resumed:at])  # the log is read again from the committed offset
        return at

    def state(self):
        """Return every patient's record."""
        return {patient: self.store[patient] for patient in self.store}

    def told(self):
        """Return what was told as the plain reference lists it."""
        return [self._told(transition) for transition in self.transitions]

    def _told(self, transition):
        alarm = self.judge.alarms[transition.column]
        alert = report(alarm, transition)
        shown = None
        if transition.column < len(self.judge.rules.limits):
            shown = transition.bound or transition.extreme
        elif alarm.sheet is not None and transition.value is not None:
            shown = transition.value, transition.missing
        elif alarm.id == WARD_SILENT:
            shown = transition.value
        return Told(
            offset=transition.offset,
            patient=alert.patient,
            rule=alert.rule,
            id=f"{alert.episode}-{transition.number}",
            phase=alert.phase,
            state=alert.state,
            inactivation=alert.inactivation,
            priority=alert.priority,
            onset_ms=alert.onset_ts_ms,
            at_ms=alert.event_ts_ms,
            asked=(transition.asked.step, transition.asked.status) if transition.asked else None,
            shown=shown,
        )

    def outcomes(self):
        """Return offset, id and outcome of each command that was answered."""
        return [(answer.offset, answer.id, answer.outcome) for answer in self.answers.values()]
