"""A site whose readings others write too: frames by any producer, workers on a real Kafka, and the log on its disk."""

import contextlib
import json
import time
import uuid
from contextlib import closing
from functools import partial
from pathlib import Path

import waiting
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.drills.workers import READY_S_MAX, Workers
from streams.config.settings import Settings
from streams.contracts.partition_names import partition_name
from streams.contracts.topics import ALERTS, READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.connect import connect_admin

DEADLINE_S = 40.0
SEND_S = 15.0
wait_until = partial(waiting.wait_until, deadline_s=DEADLINE_S)

RULES = """
[[rule]]
id = "spo2-low"
signal = "spo2"
low = 90
delay_s = 2
"""


class Site:
    """Two partitions of readings; patients are named after the partition that they are in."""

    def __init__(self, kafka, folder, **more):
        name = uuid.uuid4().hex[:8]
        rules = folder / "rules.toml"
        rules.write_text(RULES)
        fast = {"session_timeout_s": 6, "checkpoint_interval_s": 1, "partitions": 2, "stall_s_max": 8}
        self.kafka, self._seq = kafka, 0
        self.settings = Settings(
            brokers=kafka.bootstrap,
            topic_prefix=f"{name}.",
            group=name,
            rules=rules,
            data_dir=folder,
            **(fast | more),
        )
        apply_topics(self.settings)
        self.workers = Workers(self.settings, folder)
        self._open = contextlib.ExitStack()
        self.plain = self.producer()

    def close(self):
        self._open.close()
        self.workers.close()

    def start_worker(self):
        worker = self.workers.start()
        wait_until(
            lambda: worker.is_ready() or not worker.running,
            "a worker with partitions",
            deadline_s=READY_S_MAX,
        )
        assert worker.running, worker.said()
        return worker

    def producer(self, **options):
        made = KafkaProducer(bootstrap_servers=self.settings.bootstrap, acks="all", linger_ms=0, **options)
        return self._open.enter_context(closing(made))

    def frame(self, patient, spo2=85.0):
        self._seq += 1
        now_ms = int(time.time() * 1000)
        head = {"patient": patient, "device": f"m-{patient}", "boot": 1, "seq": self._seq}
        return json.dumps(head | {"event_ts_ms": now_ms, "spo2": spo2}).encode()

    def send(self, patient, partition, spo2=85.0, by=None, times=1):
        """Send frames of a patient; return the offset of the last, or nothing of it in a transaction."""
        producer, sent = by or self.plain, None
        for _ in range(times):
            topic, value = self.settings.topic(READINGS), self.frame(patient, spo2)
            sent = producer.send(topic, value, key=patient.encode(), partition=partition)
        return sent.get(SEND_S).offset

    def read(self, topic, isolation="read_uncommitted"):
        name = self.settings.topic(topic)
        options = {"bootstrap_servers": self.settings.bootstrap, "isolation_level": isolation}
        with closing(KafkaConsumer(auto_offset_reset="earliest", **options)) as consumer:
            tps = [TopicPartition(name, p) for p in range(self.settings.partitions)]
            ends = consumer.end_offsets(tps)
            consumer.assign(tps)
            consumer.seek_to_beginning(*tps)
            found, end_s = [], time.monotonic() + DEADLINE_S
            while any(consumer.position(tp) < ends[tp] for tp in tps):
                assert time.monotonic() < end_s, f"{name} could not be read"
                found += [r for records in consumer.poll(200).values() for r in records]
            return found

    def alerts(self, patient, rule=None, phase="start"):
        found = [json.loads(record.value) for record in self.read(ALERTS) if record.key == patient.encode()]
        return [a for a in found if a["phase"] == phase and rule in (None, a["rule"])]

    def alarms_of_partition(self, partition, rule, phase="start"):
        return self.alerts(partition_name(partition), rule, phase)

    def keep_low(self, patient, partition, by=None):
        """Send frames that break the limit until the alarm starts."""

        def has_started():
            self.send(patient, partition, by=by)
            return self.alerts(patient, "spo2-low")

        return wait_until(has_started, f"the alarm of {patient}")

    def delete_before(self, partition, offset):
        tp = TopicPartition(self.settings.topic(READINGS), partition)
        with closing(connect_admin(self.settings)) as admin:
            admin.delete_records({tp: offset}, timeout_ms=int(SEND_S * 1000))

    def turn_bytes(self, partition, value, topic=None):
        """Turn each byte of a value over in the log on the broker's disk; a second time puts it back."""
        name = topic or self.settings.topic(READINGS)
        folder = Path(self.kafka.home) / "node-1/data" / f"{name}-{partition}"
        for segment in sorted(folder.glob("*.log")):
            log = segment.read_bytes()
            for form in (value, bytes(b ^ 0xFF for b in value)):
                if (at := log.find(form)) >= 0:
                    with segment.open("r+b") as file:
                        file.seek(at)
                        file.write(bytes(b ^ 0xFF for b in form))
                    return
        raise AssertionError("the value is not in the log on disk")
