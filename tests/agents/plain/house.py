"""The whole judge in plain Python: one partition's log, one record, one patient, one alarm after the other.

Written from the text of the rules (docs/rules.md, docs/alarms.md), not from the engine, which is held to it: loops
and ifs, no arrays. Read the files beside it by subject; this one says in which order they come.
"""

import json

from plain.associations import Associations
from plain.beds import Alarm, Bed
from plain.courses import Courses
from plain.doubts import Doubts
from plain.early_scores import Scores
from plain.limit_alarms import LimitAlarms
from plain.losses import EXPECTED, Losses
from plain.readings import HALF_MINUTE_MS, count, follow_clock, take_frame, take_samples
from plain.rights import Rights
from plain.signs import Signs
from plain.stays import Commands
from plain.strangers import UNSIGNED, Place, Strangers, order_in, said_in
from plain.telling import Moment, Telling
from plain.ward_losses import Silences
from plain.widened import Widened

SLOW_MS = 5_000


class House:
    """Takes the records of one partition in their order; `told` is what alarms tell, `answers` of commands."""

    def __init__(self, rules, recorded, patient_ttl_s, partition=0, partitions=1, patients_max=20_000):
        self.rules, self.recorded, self.ttl_ms = rules, recorded, patient_ttl_s * 1000
        self.place = Place(partition, partitions, patients_max)
        self.kinds = kinds_of(rules)
        self.places = {rule: place for place, rule in enumerate(self.kinds)}
        self.beds = {}
        self.ticked = -1
        self.telling = Telling(rules.responsibility)
        self.losses = Losses(rules, self.telling)
        self.limits = LimitAlarms(rules, self.telling, self.losses)
        self.doubts = Doubts(rules, self.telling, self.losses)
        self.signs = Signs(rules, self.telling)
        self.scores = Scores(rules, self.telling)
        self.courses = Courses(rules, self.telling)
        self.widened = Widened(rules, self.telling)
        self.never_withheld = {rule.id for rule in rules.limits if rule.never_withheld}
        self.silences = Silences(rules, self.losses, self.beds)
        self.strangers = Strangers(self, self.telling)
        self.associations = Associations(self, self.telling, self.losses)
        self.rights = Rights(self.telling)
        self.commands = Commands(self, self.limits, self.telling, self.rights)

    @property
    def told(self):
        return self.telling.told

    @property
    def answers(self):
        return self.commands.answers

    def alarms(self):
        return {
            rule: Alarm(rule, kind, never_withheld=rule in self.never_withheld)
            for rule, kind in self.kinds.items()
        }

    def bed(self, name):
        return self.beds.setdefault(name, Bed(name, self.alarms()))

    def take(self, record):
        if record.key in (b"~command", b"~ward", b"~left") and (said_in(record) or UNSIGNED) == UNSIGNED:
            self.strangers.note("unproven-command")
            return
        if not record.value.endswith(b"}"):
            return  # no record of ours: a dead letter
        value, append_ms = json.loads(record.value), record.timestamp
        before = len(self.told)
        if record.key == b"~tick":
            now_ms = value["tick_ts_ms"] if self.recorded else append_ms
            self.tick(Moment(record.offset, now_ms, now_ms))
            self.told[before:] = sorted(
                self.told[before:], key=lambda one: (self.places[one.rule], one.patient)
            )
        elif record.key == b"~ward":
            self.silences.rule(order_in(record), self.ticked)
        elif record.key == b"~left":
            said = order_in(record)
            now_ms = said["from_ts_ms"] if self.recorded else append_ms
            self.associations.leave(said, Moment(record.offset, now_ms, now_ms))
            self.told[before:] = sorted(self.told[before:], key=lambda one: self.places[one.rule])
        elif record.key == b"~command":
            said = said_in(record)
            order, person = said["order"], said["person"]
            now_ms = order["issued_ts_ms"] if self.recorded else append_ms
            self.commands.take(order, person, Moment(record.offset, now_ms, now_ms))
        else:
            self.frame(value, append_ms, record.offset)
            self.told[before:] = sorted(self.told[before:], key=lambda one: self.places[one.rule])

    def frame(self, frame, append_ms, offset):
        if frame.get("refiled"):
            return  # a copy, filed afterwards: it is kept, not judged
        if not self.strangers.has_room_for(frame["patient"]):
            self.strangers.note("too-many-patients")
            return
        bed = self.bed(frame["patient"])
        taken = take_frame(bed, frame, append_ms, self.recorded, offset)
        if taken is None:
            return
        device, comes_next, time_ms, arrival_ms = taken
        if self.doubts.leaves_out(bed, device, frame, time_ms):
            return
        if comes_next:
            follow_clock(device, time_ms, arrival_ms)

        def settles(signal, bound):
            return self.limits.settles(bed, signal, bound)

        count(device, frame, arrival_ms, settles)
        for sample in list(take_samples(device, frame, time_ms, arrival_ms, settles)):
            self.limits.judge(bed, device, sample, Moment(offset, time_ms, arrival_ms))

    def tick(self, moment):
        """Let time pass. A tick that is not newer than those before changes nothing."""
        if moment.now_ms <= self.ticked:
            return
        is_slow = self.ticked // SLOW_MS < moment.now_ms // SLOW_MS
        half_minute_is_over = self.ticked // HALF_MINUTE_MS < moment.now_ms // HALF_MINUTE_MS
        self.ticked = moment.now_ms
        self.strangers.tell(moment)
        for bed in list(self.beds.values()):
            self.associations.judge(bed, moment)
        for bed in list(self.beds.values()):
            self.end_pause(bed, moment)
        if self.rules.technical.enabled and self.rules.technical.ward_silent:
            self.silences.judge(moment.now_ms)
        for bed in list(self.beds.values()):
            if not bed.discharged:
                self.judge_conditions(bed, is_slow, half_minute_is_over, moment)
            self.rights.judge(bed, moment)
            self.limits.lapse(bed, moment)
            self.limits.worsen(bed, moment)
            self.limits.release(bed, moment)
            self.telling.pass_over_who_does_not_answer(bed, moment)
            self.remind(bed, moment)
            self.drop_who_is_gone(bed, moment)

    def end_pause(self, bed, moment):
        if bed.pause_until is not None and bed.pause_until <= moment.now_ms:
            self.telling.resume(bed, moment)

    def judge_conditions(self, bed, is_slow, half_minute_is_over, moment):
        technical = self.rules.technical.enabled
        if technical:
            self.losses.judge_silence(bed, self.silences.waits(bed, moment.now_ms), moment)
            self.doubts.judge_sensors(bed, moment)
        if technical and is_slow:
            self.losses.judge_signals(bed, moment)
            self.strangers.judge_place(bed, moment)
            self.doubts.judge_devices(bed, moment)
            self.signs.judge(bed, moment)
        if technical and is_slow and not self.recorded:
            self.signs.judge_age(bed, moment)
        if technical and half_minute_is_over:
            self.doubts.judge_babbling(bed, moment)
        if is_slow:
            self.scores.judge(bed, moment)
            self.widened.judge(bed, moment)
        if half_minute_is_over:
            self.courses.judge(bed, moment)

    def remind(self, bed, moment):
        for alarm in bed.alarms.values():
            behind = self.limits.stands_behind_another(bed, alarm) or alarm.rule == "misplaced-patient"
            if self.telling.is_to_be_reminded_of(alarm, moment) and not behind:
                self.telling.remind(bed, alarm, moment, self.scores.again(bed, alarm, moment.now_ms))

    def drop_who_is_gone(self, bed, moment):
        last = max((ms for ms in (bed.heard_ms, bed.since_ms, bed.known_ms) if ms is not None), default=None)
        if last is not None and moment.now_ms - last >= self.ttl_ms:
            self.telling.dismiss(bed, moment)
            del self.beds[bed.name]


def kinds_of(rules):
    """Return every alarm that can exist under the rules with its kind, in the order in which a record tells of them."""
    return {
        **{rule.id: "physiological" for rule in rules.limits},
        "silent-device": "technical",
        **{"signal-loss-" + name: "technical" for name in EXPECTED},
        **{"unreliable-signal-" + name: "technical" for name in EXPECTED},
        "news2": "physiological",
        "alarms-paused": "advisory",
        "limits-widened": "advisory",
        "check-sensor": "technical",
        "babbling-device": "technical",
        "clock-suspect": "technical",
        "backlog": "technical",
        "identity-conflict": "technical",
        "too-many-devices": "technical",
        "ward-silent": "technical",
        "misplaced-patient": "technical",
        "too-many-patients": "technical",
        "unproven-command": "technical",
        "unassociated-device": "technical",
        "readings-withdrawn": "technical",
        "vital-loss": "physiological",
        "age-unknown": "advisory",
        "break-glass": "advisory",
        **{rule.id: "physiological" for rule in (*rules.scores, *rules.trends, *rules.drifts)},
    }
