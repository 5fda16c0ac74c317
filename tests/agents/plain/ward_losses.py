"""Wards that fall silent as a whole, in plain Python: one alarm of the ward, not of each patient (docs/rules.md)."""

import json
from dataclasses import dataclass, field

from plain.beds import Alarm, Bed
from plain.refusals import Refused
from plain.rights import Rights
from plain.strangers import order_in, said_in
from plain.telling import Moment, Telling

WARD = "~ward/"
PATIENTS_MIN = 3
WAIT_MS = 5_000
HOLD_MS = 30_000
RENEW_MS = 10_000
REST_MS = 600_000
COUNT_MS = 5_000
COMMANDS_KEPT = 8


class Silences:
    """One partition's part: who is silent waits for the ward's answer, and what is counted is said."""

    def __init__(self, rules, losses, beds):
        self.rules = rules.technical
        self.losses = losses
        self.beds = beds
        self.counted_ms = None
        self.said = {}
        self.reports = []

    def judge(self, now_ms):
        """Let a tick pass: a silence that nobody was told of waits from now on, or goes on waiting."""
        monitored = [bed for bed in self.beds.values() if bed.is_monitored and not bed.discharged]
        somebody_waits = False
        for bed in monitored:
            somebody_waits |= bed.held_until is not None or self.is_untold(bed, now_ms)
            if not self.is_untold(bed, now_ms):
                bed.held_until = None
            elif bed.held_until is None:
                bed.held_until = now_ms + WAIT_MS
        if somebody_waits or not self.beds or self.counted_ms is None or now_ms - self.counted_ms >= COUNT_MS:
            self.counted_ms = now_ms
            self.say(monitored, now_ms)

    def is_untold(self, bed, now_ms):
        is_told = bed.alarms["silent-device"].stands != "quiet"
        return bool(bed.ward) and not is_told and self.losses.silent_since(bed, now_ms) is not None

    @staticmethod
    def waits(bed, now_ms):
        return bed.held_until is not None and now_ms < bed.held_until

    def say(self, monitored, now_ms):
        """Say of each ward how many patients there are and how many silent, without those who are told singly."""
        counts = {}
        for bed in monitored:
            is_told = bed.alarms["silent-device"].stands != "quiet"
            is_told_now = bed.held_until is not None and now_ms >= bed.held_until
            if bed.ward and bed.heard_ms is not None and not is_told and not is_told_now:
                patients, silent = counts.setdefault(bed.ward, ([], []))
                patients.append(bed)
                if bed.held_until is not None:
                    silent.append(self.losses.silent_since(bed, now_ms))
        for ward in sorted({*counts, *self.said}):
            patients, silent = counts.get(ward, ([], []))
            said = (len(patients), len(silent), min(silent, default=-1), max(silent, default=-1))
            renewed_ms = RENEW_MS if silent else REST_MS
            before, before_ms = self.said.get(ward, (None, None))
            if said != before or now_ms - before_ms >= renewed_ms:
                self.said[ward] = said, now_ms
                self.reports.append((ward, now_ms, *said))
                if ward not in counts:
                    del self.said[ward]

    def rule(self, ruling, ticked_ms):
        """Take the ward's answer: who waits is part of its alarm for a while, or is told of at the next tick."""
        for bed in self.beds.values():
            if bed.ward == ruling["ward"] and bed.held_until is not None:
                bed.held_until = ticked_ms + HOLD_MS if ruling["lost"] else ticked_ms

    @staticmethod
    def leave(bed, ticked_ms):
        """Let a patient go who is moved: he waits no longer."""
        if bed.held_until is not None:
            bed.held_until = ticked_ms


@dataclass(eq=False)
class Ward(Bed):
    """A ward as somebody who has an alarm; `counts` is what each partition said last."""

    counts: dict = field(default_factory=dict)
    last_onset: int = -1
    known_ms: int = -1

    @property
    def alarm(self):
        return self.alarms["ward-silent"]

    def that_count(self, now_ms):
        """Return the counts that were said again in time."""
        return [
            report
            for report in self.counts.values()
            if now_ms - report["tick_ts_ms"] <= 3 * (RENEW_MS if report["silent"] else REST_MS)
        ]


class Wards:
    """One partition of vitals.wards; `rulings` are (partition of the readings, ward, lost)."""

    def __init__(self, recorded):
        self.recorded = recorded
        self.telling = Telling(())
        self.rights = Rights(self.telling)
        self.wards = {}
        self.rulings = []
        self.answers = []
        self.now_ms = -1

    def take(self, record):
        value = order_in(record) if record.key == b"~command" else json.loads(record.value)
        self.now_ms = max(self.now_ms, self.time_of(record, value))
        moment = Moment(record.offset, self.now_ms, self.now_ms)
        if record.key == b"~tick":
            for ward in self.wards.values():
                if ward.alarm.is_open and not self.recorded:
                    self.judge(ward, moment)
        elif record.key == b"~command":
            self.order(said_in(record), moment)
        elif value["kind"] == "report":
            self.report(value, moment)

    def time_of(self, record, value):
        if not self.recorded:
            return record.timestamp
        return value.get("issued_ts_ms", value.get("tick_ts_ms", -1) if record.key != b"~tick" else -1)

    def report(self, report, moment):
        name = report["ward"]
        ward = self.wards.setdefault(
            name, Ward(WARD + name, {"ward-silent": Alarm("ward-silent", "technical")})
        )
        before = ward.counts.get(report["partition"])
        if before is not None and before["tick_ts_ms"] >= report["tick_ts_ms"]:
            return
        ward.counts[report["partition"]] = report
        begins_or_ends = self.judge(ward, moment)
        if ward.alarm.is_open and report["silent"] and not begins_or_ends:
            self.rulings.append((report["partition"], name, True))

    def judge(self, ward, moment):
        """Judge a ward by what the partitions said; return whether its alarm begins or ends."""
        counts, alarm = ward.that_count(moment.now_ms), ward.alarm
        silent = sum(report["silent"] for report in counts)
        patients = sum(report["patients"] for report in counts)
        is_lost = silent >= PATIENTS_MIN and 2 * silent >= patients
        if is_lost and not alarm.is_open:
            first = min(report["first_ts_ms"] for report in counts if report["silent"])
            alarm.onset = ward.last_onset = max(ward.last_onset + 1, first)
            alarm.priority = "medium"
            self.telling.due(ward, alarm, moment, withheld=False, shown=silent)
            self.answer_who_waits(ward, True)
            return True
        if not is_lost and alarm.is_open:
            self.telling.over(ward, alarm, moment, shown=silent)
            self.answer_who_waits(ward, False)
            return True
        if is_lost and alarm.stands == "acknowledged":
            if max(report["last_ts_ms"] for report in counts) > ward.known_ms:  # nobody knows of these yet
                self.telling.rank(ward, alarm, "medium", True, moment, shown=silent)
        elif is_lost and self.telling.is_to_be_reminded_of(alarm, moment):
            self.telling.remind(ward, alarm, moment, shown=silent)
        return False

    def answer_who_waits(self, ward, lost):
        name = ward.name.removeprefix(WARD)
        for partition, report in sorted(ward.counts.items()):
            if report["silent"]:
                self.rulings.append((partition, name, lost))

    def order(self, said, moment):
        order, person = said["order"], said["person"]
        name = order["patient"].removeprefix(WARD)
        ward = self.wards.get(name)
        if ward is not None and order["id"] in ward.commands[-COMMANDS_KEPT:]:
            return
        try:
            glass = self.rights.ask(person, order, name)
            if order["kind"] == "acknowledge":
                self.acknowledge(ward, order, moment)
            if glass:
                self.tell_of_glass(name, moment)
            outcome = "accepted"
        except Refused:
            outcome = "refused"
        if ward is not None:
            ward.commands.append(order["id"])
        self.answers.append((moment.offset, order["id"], outcome))

    def acknowledge(self, ward, order, moment):
        if ward is None or ward.alarm.stands != "active" or ward.episode(ward.alarm) != order["episode"]:
            raise Refused
        ward.alarm.stands = "acknowledged"
        ward.known_ms = max(report["last_ts_ms"] for report in ward.counts.values())
        self.telling.tell(ward, ward.alarm, "update", moment)

    def tell_of_glass(self, name, moment):
        """Begun and over at once: no ward remembers it."""
        alarm = Alarm("break-glass", "advisory", onset=moment.now_ms, priority="low")
        opened = Ward(WARD + name, {"break-glass": alarm})
        self.telling.due(opened, alarm, moment, withheld=False)
        self.telling.over(opened, alarm, moment)
