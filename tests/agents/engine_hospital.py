"""A hospital of several partitions for tests: the engine judges patients and wards, all else happens at once. In s."""

from zlib import crc32

from logs import Record, frame_record, sealed
from worker_model import WorkerModel

from agents.judging.alarms import BREAK_GLASS, WARD_SILENT
from agents.judging.alert_facts import report
from agents.judging.ward_log import WardLog, state_of
from agents.wards.counts import due
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.limits import NEVER
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.ward import RULING_KEY


class Hospital:
    """Patients are sent one frame a second each, every partition a tick; `answers` False: no ward is ever decided."""

    def __init__(self, patients, partitions=4, ward="icu", answers=True):
        self.workers = [WorkerModel(DEFAULT_RULES, TimeRules()) for _ in range(partitions)]
        self.logs = [[] for _ in self.workers]
        self.said = [{} for _ in self.workers]
        self.names = [alarm.id for alarm in self.workers[0].judge.alarms]
        self.wards = WardLog(
            0, (self.names.index(WARD_SILENT), self.names.index(BREAK_GLASS)), recorded=False
        )
        self.wards_log, self.alerts, self.transitions, self.given = [], {}, [], []
        self.does_answer, self.now, self.seconds = answers, 600, 0
        for name in patients:
            self.order(name, "admit", ward=ward, age_band="adult")

    def place(self, patient):
        return crc32(patient.encode()) % len(self.workers)

    def take(self, partition, key, value):
        log = self.logs[partition]
        log.append(Record(len(log), self.now * 1000, key, value))
        worker = self.workers[partition]
        before = len(worker.transitions)
        verdict = worker.take([log[-1]])
        self.transitions += worker.transitions[before:]
        if verdict.counted_ms != NEVER and self.does_answer:
            for said in due(partition, self.said[partition], verdict.counts, verdict.counted_ms):
                self.take_of_wards(said.key, said.model_dump_json().encode())
        return verdict

    def take_of_wards(self, key, value):
        self.wards_log.append(Record(len(self.wards_log), self.now * 1000, key, value))
        found = self.wards.take([self.wards_log[-1]])
        assert not found.rejects
        for transition in found.transitions:
            alert = report(self.workers[0].judge.alarms[transition.column], transition)
            assert self.alerts.setdefault(alert.id, alert) == alert
        self.transitions += found.transitions
        self.given += found.answers
        for to, ruling in found.rulings:
            self.take(to, RULING_KEY, sealed(RULING_KEY, ruling.model_dump_json().encode()))
        for name in found.changed:
            state = state_of(name, self.wards.wards[name])
            self.wards_log.append(
                Record(len(self.wards_log), self.now * 1000, state.key, state.model_dump_json().encode())
            )

    def watch(self, seconds, *heard):
        """Let time pass with frames of some patients; return what was told as (patient, rule, phase)."""
        before = len(self.transitions)
        for _ in range(seconds):
            self.now += 1
            self.seconds += 1
            for name in heard:
                at = {"append_ms": self.now * 1000, "event_ms": self.now * 1000}
                frame = frame_record(0, patient=name, seq=self.now, hr=80, **at)
                self.take(self.place(name), frame.key, frame.value)
            for partition in range(len(self.workers)):
                self.take(partition, TICK_KEY, encode_tick(self.now * 1000))
            if self.seconds % 10 == 0:
                self.pass_time()
        return [(h.patient, self.names[h.column], h.phase) for h in self.transitions[before:]]

    def pass_time(self):
        """Write a tick into the wards' topic."""
        self.take_of_wards(TICK_KEY, encode_tick(self.now * 1000))

    def of_phase(self, phase):
        return [alert for alert in self.alerts.values() if alert.phase == phase]

    def order(self, patient, kind, **said):
        now = {"id": f"c{self.now}-{kind}", "actor": "nurse-7"}
        value = {"patient": patient, "kind": kind, **now, "issued_ts_ms": self.now * 1000, **said}
        encoded = sealed(COMMAND_KEY, value)
        if patient.startswith("~ward/"):
            self.take_of_wards(COMMAND_KEY, encoded)
        else:
            self.take(self.place(patient), COMMAND_KEY, encoded)

    def acknowledge(self, episode=None, command="ack-1"):
        """Acknowledge the ward's alarm; return outcome and reason, None where it was answered before."""
        episode, before = episode or self.of_phase("start")[-1].episode, len(self.given)
        self.order("~ward/icu", "acknowledge", id=command, episode=episode)
        return (self.given[-1].outcome, self.given[-1].reason) if len(self.given) > before else None
