"""A history's writer as a process of its own, topics to write, and what it made of them."""

import json
import sys
import uuid
from pathlib import Path

from kafka import KafkaProducer

from edge.brokers.tether import spawn, stop
from edge.history.query import History
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, AUDIT, COMMANDS, READINGS
from streams.kafka.admin import apply_topics

ROOT = Path(__file__).resolve().parents[1]
BEGUN_MS = 1_760_000_000_000


class Archive:
    """Topics under a prefix of their own and a folder for their history."""

    def __init__(self, bootstrap, folder, **changes):
        given = {"partitions": 2, "history_flush_s": 1.0, "history_merge_s": 3.0} | changes
        self.settings = Settings(
            brokers=bootstrap,
            topic_prefix=f"h{uuid.uuid4().hex[:6]}.",
            history_dir=folder,
            history_metrics_port=0,
            time_base="recorded",
            **given,
        )
        apply_topics(self.settings)
        self.producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=False)
        self.folder, self.sent, self._processes = folder, 0, []

    def send(self, count, beds=5, start=0):
        """Send frames of some beds, one a second each, with something unreadable and a tick in between."""
        topic = self.settings.topic(READINGS)
        for number in range(start, start + count):
            bed = f"bed-{number % beds}"
            frame = {"patient": bed, "device": f"dev-{number % beds}", "boot": 1, "seq": number // beds}
            frame |= {"event_ts_ms": BEGUN_MS + number // beds * 1000, "hr": 70 + number % 9, "temp": 36.6}
            frame |= {"spo2": None} if number % 7 == 0 else {"spo2": 97.5}
            if number % 11 == 0:
                frame["refiled"] = True
            self._put(topic, bed, json.dumps(frame).encode(), number % 2)
            if number % 50 == 0:
                self._put(topic, "~tick", b'{"tick_ts_ms":%d}' % BEGUN_MS, number % 2)
                self._put(topic, bed, b"no frame", number % 2)
        self.sent += count
        self.producer.flush()

    def tell(self, count, start=0):
        """Send as many alerts, commands and records of the audit."""
        for number in range(start, start + count):
            bed = f"bed-{number % 5}"
            at = {"patient": bed, "at_ts_ms": BEGUN_MS + number}
            alert = {"patient": bed, "phase": "start", "episode": f"{number:016x}", "priority": "high"}
            alert |= {"event_ts_ms": BEGUN_MS + number, "rule": "spo2-low", "type": "physiological"}
            self._put(self.settings.topic(ALERTS), bed, json.dumps(alert).encode(), number % 2)
            self._put(
                self.settings.topic(COMMANDS), bed, json.dumps({"kind": "pause", **at}).encode(), number % 2
            )
            said = {"kind": "audited", "person": "nurse-1", "act": "view", **at}
            self._put(self.settings.topic(AUDIT), "nurse-1", json.dumps(said).encode(), 0)
        self.producer.flush()

    def _put(self, topic, key, value, partition):
        partitions = self.producer.partitions_for(topic)
        self.producer.send(topic, value, key.encode(), partition=partition % len(partitions))

    def start(self):
        """Start the writer as its own process."""
        environment = {"PATH": "/usr/bin:/bin"} | self.settings.environment()
        command = [sys.executable, "-Pm", "edge", "history", "run"]
        with (self.folder.parent / "writer.log").open("ab") as log:
            process = spawn(command, log, environment | {"PYTHONPATH": str(ROOT)})
        self._processes.append(process)
        return process

    def log(self):
        return (self.folder.parent / "writer.log").read_text()

    def rows(self):
        """Return how many rows the history answers with."""
        history = History(self.folder / "readings")
        try:
            return sum(len(history.raw(f"bed-{bed}", 0, 2 * BEGUN_MS)) for bed in range(5))
        finally:
            history.close()

    def close(self):
        for process in self._processes:
            stop(process, 1.0)
        self.producer.close(timeout=1)
