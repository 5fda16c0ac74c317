"""A hospital without a broker: partitions, the wards' topic between them, and what is on its way, as it may happen."""

import json
from collections import deque

from logs import Record, sealed
from orders_log import somebody
from plain.house import House
from plain.strangers import order_in
from plain.ward_losses import Wards
from signing import commanded

from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.ward import RULING_KEY


class PlainHospital:
    """The plain judges of several partitions and of the wards' topic; its logs are then judged by the engine.

    What partitions say and what they are answered arrives some records later, in order for each partition.
    """

    def __init__(self, rules, time, partitions, rng, patient_ttl_s=86_400):
        self.rng = rng
        self.houses = [House(rules, time.recorded, patient_ttl_s) for _ in range(partitions)]
        self.logs = [[] for _ in self.houses]
        self.wards = Wards(time.recorded)
        self.wards_log = []
        self.under_way = [deque() for _ in self.houses]
        self.answers = [deque() for _ in self.houses]

    def take(self, partition, timestamp, key, value):
        """Append a record to a partition's log and judge it; then let some of what is on its way arrive."""
        house, log = self.houses[partition], self.logs[partition]
        before = len(house.silences.reports)
        log.append(Record(2 * len(log), timestamp, key, value))
        house.take(log[-1])
        self.under_way[partition].extend(house.silences.reports[before:])
        while self.rng.random() < 0.7 and any((*self.under_way, *self.answers)):
            self.deliver(timestamp)

    def deliver(self, timestamp):
        which = self.rng.randrange(len(self.houses))
        if self.under_way[which]:
            names = "ward", "tick_ts_ms", "patients", "silent", "first_ts_ms", "last_ts_ms"
            said = dict(zip(names, self.under_way[which].popleft(), strict=True))
            report = {"kind": "report", "partition": which, **said}
            self.take_of_wards(timestamp, f"{said['ward']}/{which}".encode(), report)
        elif self.answers[which]:
            self.take(which, timestamp, RULING_KEY, sealed(RULING_KEY, self.answers[which].popleft()))

    def take_of_wards(self, timestamp, key, value):
        before = len(self.wards.rulings)
        offset = 2 * len(self.wards_log)
        value = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.wards_log.append(Record(offset, timestamp, key, value))
        self.wards.take(self.wards_log[-1])
        for partition, ward, lost in self.wards.rulings[before:]:
            ruling = {"ward": ward, "lost": lost, "partition": 0, "offset": offset}
            self.answers[partition].append(ruling)

    def acknowledge(self, number, now_ms):
        """Somebody acknowledges an open alarm of a ward, or one that is over; now and then twice."""
        for ward in self.wards.wards.values():
            episode = ward.episode(ward.alarm) if ward.alarm.is_open else "0" * 16
            order = {"kind": "acknowledge", "id": f"w{number}", "patient": ward.name, "actor": "nurse-7"}
            said = {**order, "issued_ts_ms": now_ms, "episode": episode}
            if self.rng.random() < 0.2:
                del said["episode"]
                said |= {"kind": "break-glass", "reason": "to help out"}
            value = commanded(said, somebody(self.rng))
            for _ in range(self.rng.choice((1, 1, 2))):
                self.take_of_wards(now_ms, COMMAND_KEY, sealed(COMMAND_KEY, value))

    def tick(self, now_ms):
        """Let time pass in the wards' topic."""
        self.take_of_wards(now_ms, TICK_KEY, encode_tick(now_ms))


def spread(hospital, log, admissions):
    """Play a world's log in the hospital: each patient in a partition, ticks in all, some commands for wards."""
    rng, count = hospital.rng, len(hospital.houses)
    home = {}
    for number, record in enumerate([*admissions, *log]):
        if record.key == TICK_KEY:
            for partition in rng.sample(range(count), count):
                if rng.random() < 0.9:
                    hospital.take(partition, record.timestamp, record.key, record.value)
            if rng.random() < 0.1:
                hospital.tick(record.timestamp)
            if rng.random() < 0.1:
                hospital.acknowledge(number, record.timestamp)
            continue
        who = order_in(record)["patient"] if record.key == COMMAND_KEY else (record.key or b"").decode()
        partition = home.setdefault(who, rng.randrange(count))
        hospital.take(partition, record.timestamp, record.key, record.value)
