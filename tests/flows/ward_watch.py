"""A ward on a real broker for tests: beds over all partitions, their frames, and what is told of them and the ward."""

import json
import time
from functools import partial

import waiting
from kafka.partitioner.default import murmur2
from signing import signed
from worker_flow import frame

from streams.contracts.topics import ALERTS, COMMANDS, HEARTBEAT, READINGS

wait_until = partial(waiting.wait_until, deadline_s=60.0)


class WardWatch:
    """Beds of the ward `icu` of a `worker_flow.Ward`, which judges live."""

    def __init__(self, ward, beds):
        self.ward = ward
        self.beds = [f"icu-{number}" for number in range(beds)]
        self.heard_s = 0.0
        count = ward.settings.partitions
        self.place = {bed: (murmur2(bed.encode()) & 0x7FFFFFFF) % count for bed in self.beds}

    def admit(self):
        for bed in self.beds:
            said = {"kind": "admit", "id": f"admit-{bed}", "patient": bed, "actor": "clerk", "ward": "icu"}
            value = signed({**said, "issued_ts_ms": int(time.time() * 1000)})
            self.ward.send_to(COMMANDS, self.place[bed], bed.encode(), value)
        wait_until(self.are_admitted, "the admissions' answers")

    def are_admitted(self):
        answers = [json.loads(record.value) for record in self.ward.read(COMMANDS)]
        admitted = [a for a in answers if a.get("kind") == "answer" and a["outcome"] == "accepted"]
        return {answer["patient"] for answer in admitted} == set(self.beds)

    def send(self, beds):
        """Send a frame of each of some beds."""
        now_s = int(time.time())
        self.ward.send_all((self.place[bed], *frame(bed, now_s, hr=80)) for bed in beds)
        self.heard_s = time.time()

    def keep_alive(self, beds, until, what):
        """Send frames of some beds once a second until a condition holds."""
        last_s = 0.0

        def holds():
            nonlocal last_s
            if time.time() - last_s >= 1.0:
                last_s = time.time()
                now_s = int(last_s)
                self.ward.send_all((self.place[bed], *frame(bed, now_s, hr=80)) for bed in beds)
            return until()

        wait_until(holds, what)

    def told(self, rule):
        """Return the alerts of a rule, each once, in the order in which they were told."""
        found = {}
        for record in self.ward.read(ALERTS):
            alert = json.loads(record.value)
            if alert["rule"] == rule:
                found.setdefault(alert["id"], alert | {"told_ms": record.timestamp})
        return sorted(found.values(), key=lambda alert: alert["told_ms"])

    def phases(self):
        return [alert["phase"] for alert in self.told("ward-silent") if alert["phase"] != "continue"]

    def judged_for(self, seconds):
        """Whether every partition has judged a tick that came so long after the last frame."""
        judged = {}
        for record in self.ward.read(HEARTBEAT):
            beat = json.loads(record.value)
            judged[beat["partition"]] = beat["judged_ts_ms"]
        wanted_ms = (self.heard_s + seconds) * 1000
        return len(judged) == self.ward.settings.partitions and min(judged.values()) > wanted_ms

    def answers(self):
        """Return (partition, lost) of each answer in the readings."""
        found = [record for record in self.ward.read(READINGS) if record.key == b"~ward"]
        return [(record.partition, json.loads(record.value)["content"]["lost"]) for record in found]
