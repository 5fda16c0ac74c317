"""A broker's topics and what a gateway runs beside its protocols, for tests of re-filing."""

import json
import time
import uuid

import waiting
from kafka import KafkaProducer

from edge.gateway.association_view import Following
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.refiling import Refiling
from streams.config.settings import Settings
from streams.contracts.association import Association
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ASSOCIATIONS, READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

DEADLINE_S = 40.0
LOOK_EVERY_S = 0.2
"""Each look at a topic connects anew."""

PARTITIONS = 2


class Site:
    """A broker's topics, and what a gateway runs beside its protocols."""

    def __init__(self, bootstrap, settings=None):
        prefix = f"{uuid.uuid4().hex[:8]}."
        self.settings = settings or Settings(
            brokers=bootstrap,
            partitions=PARTITIONS,
            topic_prefix=prefix,
            group=prefix,
            fetch_wait_ms=20,
            session_timeout_s=6,
        )
        apply_topics(self.settings)
        self.producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=False)
        self.filing = Filing(Facts(900_000))
        self.following = Following(self.settings, self.take, self.filing.forget)
        self.refilings = []
        self.now_ms = int(time.time() * 1000)
        self.seq = 0

    def take(self, known):
        for one in known:
            self.filing.apply(one.key, one.fact, one.append_ms)

    def refile(self):
        self.refilings.append(Refiling(self.settings))
        self.refilings[-1].start()
        return self.refilings[-1]

    def close(self):
        for refiling in self.refilings:
            refiling.close()
        self.following.close()
        self.producer.close()

    def tell(self, fact):
        value = fact.model_dump_json().encode()
        self.producer.send(self.settings.topic(ASSOCIATIONS), value, fact.key, partition=0).get(10)

    def frame(self, stream, device, ago_s):
        return self.frames(stream, device, [ago_s])[0]

    def frames(self, stream, device, ago_s):
        """Write a frame for each of these times; return what they say."""
        partition, sent, said = partition_of(stream, PARTITIONS), [], []
        for ago in ago_s:
            self.seq += 1
            frame = {"patient": stream, "device": device, "boot": 0, "seq": self.seq, "hr": 80}
            said.append({**frame, "event_ts_ms": self.now_ms - ago * 1000})
            value, topic = json.dumps(said[-1]).encode(), self.settings.topic(READINGS)
            sent.append(self.producer.send(topic, value, stream.encode(), partition=partition))
        for future in sent:
            future.get(30)
        return said

    def log(self, topic):
        """Return key and value of everything in a topic, a partition after the other."""
        records = sorted(
            read_whole(self.settings, self.settings.topic(topic)), key=lambda record: record.partition
        )
        return [(record.key, json.loads(record.value)) for record in records]

    def copies(self, stream):
        return [said for key, said in self.log(READINGS) if key == stream.encode() and said.get("refiled")]

    def left(self):
        return [said["content"] for key, said in self.log(READINGS) if key == b"~left"]

    def associate(self, device, patient, ago_s, until_ago_s=None, name="r1"):
        until_ms = None if until_ago_s is None else self.now_ms - until_ago_s * 1000
        self.tell(
            Association(
                id=name,
                device=device,
                patient=patient,
                from_ts_ms=self.now_ms - ago_s * 1000,
                until_ts_ms=until_ms,
                reporter="nurse",
                source="pcim",
                validated=True,
            )
        )


def wait_for(condition, what):
    return waiting.wait_until(condition, what, deadline_s=DEADLINE_S, poll_s=LOOK_EVERY_S)
