"""Delivery for flow tests: alerts, assignments and channels' milestones in by the wire, what is written out."""

import json
import time

from alert_of import alert_of
from worker_flow import READY_POLL_S, Ward, Worker, wait_until

from streams.contracts.deliveries import FINAL, Assignment, Delivery
from streams.contracts.frame import TICK_KEY
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ALERTS, ASSIGNMENTS, DELIVERIES, ESCALATIONS, LIMITS

ROUTING = """
[channels.pager]
kind = "webhook"
url = "https://pager.example/in"

[receivers.nurse]
role = "nurse"
channels = ["pager"]

[receivers.desk]
channels = ["pager"]

[[route]]
name = "urgent"
priority = ["high", "medium"]
fallback = "desk"

[[route.step]]
to = ["nurse"]
wait_s = {wait_s}
taken_s = {wait_s}

[[route.step]]
to = ["desk"]
wait_s = 5
"""

WAIT_S = 5
HOUR_MS = 3_600_000


class Hospital:
    """One ward's topics, and processes that decide who is told."""

    def __init__(self, ward: Ward, folder, wait_s=WAIT_S) -> None:
        self.ward, self.settings = ward, ward.settings
        self._ticks = {}
        path = folder / "routing.toml"
        path.write_text(ROUTING.format(wait_s=wait_s))
        self.ward.settings = self.settings = self.settings.model_copy(update={"routing": path})

    def start(self) -> Worker:
        return self.ward.start_worker(module="agents.delivery", ready="vigil_delivery_ready")

    def start_ready(self) -> Worker:
        worker = self.start()
        wait_until(worker.is_ready, "delivery with partitions", poll_s=READY_POLL_S)
        return worker

    def assign(self, place, role, person):
        now_ms = int(time.time() * 1000)
        said = Assignment(
            place=place,
            role=role,
            person=person,
            from_ts_ms=now_ms - HOUR_MS,
            until_ts_ms=now_ms + HOUR_MS,
            reporter="t",
        )
        self.ward.send_to(ASSIGNMENTS, 0, said.key(), said.model_dump_json().encode())

    def admit(self, patient, ward):
        value = json.dumps({"patient": patient, "ward": ward}).encode()
        self.ward.send_to(LIMITS, self.of(patient), patient.encode(), value)

    def alert(self, patient, episode, number=0, **said):
        now_ms = int(time.time() * 1000)
        usual = {"phase": "start" if number == 0 else "update", "onset_ts_ms": now_ms, "event_ts_ms": now_ms}
        alert = alert_of(id=f"{episode}-{number}", episode=episode, patient=patient, **usual | said)
        self.ward.send_to(ALERTS, self.of(patient), patient.encode(), alert.model_dump_json().encode())

    def mark(self, delivery, milestone):
        value = delivery.model_copy(update={"milestone": milestone, "at_ts_ms": int(time.time() * 1000)})
        self.ward.send_to(
            DELIVERIES, self.of(delivery.patient), delivery.patient.encode(), value.model_dump_json().encode()
        )

    def of(self, patient):
        return partition_of(patient, self.settings.partitions)

    def deliveries(self, *milestones):
        """Return what is on the topic, in order and without copies; of some milestones alone if given."""
        read = {
            record.value: Delivery.model_validate_json(record.value) for record in self.ward.read(DELIVERIES)
        }
        found = sorted(read.values(), key=lambda delivery: delivery.at_ts_ms)
        return [delivery for delivery in found if not milestones or delivery.milestone in milestones]

    def first_send_ms(self):
        """Return how long each alert's first delivery took, from record to record, ms."""
        alerts = {json.loads(record.value)["id"]: record.timestamp for record in self.ward.read(ALERTS)}
        first = {}
        for record in self.ward.read(DELIVERIES):
            alert = json.loads(record.value)["alert"]
            first[alert] = min(record.timestamp, first.get(alert, record.timestamp))
        return [at_ms - alerts[alert] for alert, at_ms in first.items()]

    def ticks(self, patient):
        """Return the times of the ticks in a patient's partition of the log that decides."""
        if not self._ticks:
            for record in self.ward.read(ESCALATIONS):
                if record.key == TICK_KEY:
                    self._ticks.setdefault(record.partition, []).append(record.timestamp)
        return self._ticks[self.of(patient)]

    def wait_for(self, count, *milestones):
        try:
            wait_until(lambda: len(self.deliveries(*milestones)) >= count, f"{count} of {milestones}")
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {len(self.deliveries(*milestones))}") from None
        return self.deliveries(*milestones)

    def finals(self):
        return self.deliveries(*FINAL)
