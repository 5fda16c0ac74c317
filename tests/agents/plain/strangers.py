"""What a partition is told that should not be there, in plain Python (docs/alarms.md, "What the log is not believed").

Patients of whom it has no room for one more, patients who belong into another partition, and orders without proof.
"""

import hashlib
import hmac
import json
from typing import NamedTuple

from plain.beds import Bed
from plain.levels import judge_level

KEY = b"vigil development key, known to all"
UNPROVEN_MS = 60_000
UNSIGNED = {"kind": "unsigned"}
"""A worker says so of a record that nobody has signed."""


class Place(NamedTuple):
    """Which partition of how many this is, and how many patients it may have."""

    partition: int
    partitions: int
    patients_max: int


def order_in(record):
    """Return what is ordered or answered, None where the record does not prove that a worker made it."""
    said = said_in(record)
    return said["order"] if said is not None and "order" in said else said


def said_in(record):
    """Return all that a sealed record says; of a command that is who orders it, too."""
    try:
        sealed = json.loads(record.value)
        begin = record.value.index(b'"content":') + len(b'"content":')
        content = record.value[begin:-1]
        said = record.key + b"\n%d\n%d\n%s" % (sealed["partition"], sealed["offset"], content)
        if hmac.new(KEY, said, hashlib.sha256).hexdigest() != sealed["seal"]:
            return None
        return json.loads(content)
    except (ValueError, KeyError, TypeError):
        return None


class Strangers:
    """The partition's own alarms are those of a bed of its name; each is told of at the next tick."""

    def __init__(self, house, telling):
        self.house, self.telling = house, telling
        self.bed = Bed(f"~partition/{house.place.partition}", house.alarms())
        self.noted = set()
        self.last_ms = {}

    def has_room_for(self, name):
        return name in self.house.beds or not self.is_full()

    def is_full(self):
        return len(self.house.beds) >= self.house.place.patients_max

    def note(self, rule):
        self.noted.add(rule)

    def tell(self, moment):
        """Begin what has happened since the last tick, end what is over."""
        for rule in ("too-many-patients", "unproven-command"):
            alarm = self.bed.alarms[rule]
            if rule in self.noted:
                self.noted.remove(rule)
                self.last_ms[rule] = moment.now_ms
                if not alarm.is_open:
                    alarm.onset, alarm.priority = moment.now_ms, "medium"
                    self.telling.due(self.bed, alarm, moment, withheld=False)
            elif alarm.is_open and self.is_over(rule, moment):
                self.telling.over(self.bed, alarm, moment)
            if self.telling.is_to_be_reminded_of(alarm, moment):
                self.telling.remind(self.bed, alarm, moment)

    def is_over(self, rule, moment):
        if rule == "too-many-patients":
            return not self.is_full()
        return moment.now_ms - self.last_ms[rule] >= UNPROVEN_MS

    def home_of(self, name):
        """Return the partition that a patient belongs into: murmur2 of the name, as Java computes it."""
        return (murmur2(name.encode()) & 0x7FFFFFFF) % self.house.place.partitions

    def judge_place(self, bed, moment):
        """Tell once of a patient who is in another partition than where the name belongs."""
        is_elsewhere = self.home_of(bed.name) != self.house.place.partition
        level = 2 if is_elsewhere and bed.is_monitored else 0
        if level and not bed.alarms["misplaced-patient"].is_open:
            judge_level(self.telling, bed, bed.alarms["misplaced-patient"], level, 0, moment)


def murmur2(data):
    """Austin Appleby's MurmurHash2 in 32 bits, with the seed that Kafka uses."""
    found, rest = 0x9747B28C ^ len(data), len(data) % 4
    for i in range(0, len(data) - rest, 4):
        k = int.from_bytes(data[i : i + 4], "little") * 0x5BD1E995 % 2**32
        k = (k ^ k >> 24) * 0x5BD1E995 % 2**32
        found = (found * 0x5BD1E995 % 2**32) ^ k
    if rest:
        found = (found ^ int.from_bytes(data[-rest:], "little")) * 0x5BD1E995 % 2**32
    found = (found ^ found >> 13) * 0x5BD1E995 % 2**32
    return found ^ found >> 15
