"""A ward for flow tests: frames in and alerts out by the wire only, and real worker processes between.

The oracle judges the log itself in one go; whatever happened to the workers, they must have written the same.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import waiting
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from agents.judging.alert_facts import report
from agents.judging.judge import Judge
from clinical.clock import TimeRules
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import read
from streams.config.rules_file import load_rules
from streams.config.settings import Settings
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.topics import ALERTS, DEAD_LETTERS, READINGS
from streams.decoding.decoder import Decoder
from streams.kafka.admin import apply_topics
from streams.kafka.connect import connect_admin, connect_consumer

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 40.0
"""A rebalance after a killed worker takes a session timeout (6 s); the rest is for a busy machine."""

POLL_S = 0.05
READY_POLL_S = 0.1
"""Each look asks a worker for its metrics or the broker for a log's end, which takes 4 ms of a processor."""

wait_until = partial(waiting.wait_until, deadline_s=DEADLINE_S, poll_s=POLL_S)

RECORD_BYTES_MAX = 4 * 1024 * 1024
SAID_CHARACTERS = 4_000

RULES = """
[[rule]]
id = "spo2-low"
signal = "spo2"
low = 90
delay_s = 5
clear_margin = 1
clear_delay_s = 2

[[rule]]
id = "hr-high"
signal = "hr"
high = 120
delay_s = 3
priority = "high"

[technical]
silent_device_s = 4
signal_loss_s = 6
"""


class Worker:
    """One `python -m agents` process, or of another module of ours."""

    def __init__(
        self,
        environment: dict[str, str],
        port: int,
        log: Path,
        module: str = "agents",
        ready: str = "vigil_ready",
    ) -> None:
        self._ready = ready
        self._port, self._log = port, log
        with log.open("ab") as output:
            self.process: subprocess.Popen[bytes] = spawn(
                [sys.executable, "-Pm", module], output, environment
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels; 0 while the worker does not answer."""
        answer = read(f"http://127.0.0.1:{self._port}/metrics", 5) or ""
        # Waits ask often: of the hundreds of lines only those are parsed that are asked for.
        lines = "".join(line for line in answer.splitlines(keepends=True) if line.startswith(name))
        families = text_string_to_metric_families(lines)
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return sum(s.value for s in samples if labels.items() <= s.labels.items())

    def is_ready(self) -> bool:
        code = self.process.poll()
        assert code is None, f"worker ended with {code}: {self.said[-2000:]}"
        return self.metric(self._ready) == 1

    def terminate(self) -> int:
        """Ask it to drain; return its exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(5)


class Ward:
    """Frames in, alerts out, by the wire only."""

    def __init__(self, bootstrap: str, folder: Path, **settings: object) -> None:
        name = uuid.uuid4().hex[:8]
        self._folder = folder
        rules = folder / "rules.toml"
        rules.write_text(RULES)
        fast = {
            "partitions": 2,
            "time_base": "recorded",
            "checkpoint_interval_s": 0.4,
            "session_timeout_s": 6,
            "fetch_wait_ms": 50,
        }
        options = fast | {"rules": rules, "group": f"g-{name}", "topic_prefix": f"{name}."} | settings
        self.settings = Settings(brokers=bootstrap, data_dir=folder, **options)
        apply_topics(self.settings)
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", max_request_size=RECORD_BYTES_MAX, linger_ms=0
        )
        self._consumer: KafkaConsumer = connect_consumer(
            self.settings, max_partition_fetch_bytes=RECORD_BYTES_MAX, fetch_max_bytes=2 * RECORD_BYTES_MAX
        )
        self._taken: dict[TopicPartition, list[object]] = {}
        self.workers: list[Worker] = []

    def close(self) -> None:
        for worker in self.workers:
            stop(worker.process, term_wait_s=0.0)
            print(f"{worker.process.args}:\n{worker.said[-SAID_CHARACTERS:]}")  # shown of a test that failed
        self._producer.close()
        self._consumer.close()

    def start_worker(self, **process: str) -> Worker:
        """Start a worker, or what `process` says: `module` and the metric `ready`."""
        port = free_port()
        log = self._folder / f"worker-{len(self.workers)}.log"
        given = self.settings.model_dump() | {"metrics_port": port}
        worker = Worker(environment_of(given), port, log, **process)
        self.workers.append(worker)
        return worker

    def start_ready_worker(self) -> Worker:
        worker = self.start_worker()
        wait_until(worker.is_ready, "a worker with partitions", poll_s=READY_POLL_S)
        return worker

    def send(self, partition: int, key: bytes | None, value: bytes | None) -> int:
        """Write one record as it is; return its offset."""
        return self.send_to(READINGS, partition, key, value)

    def send_to(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> int:
        """Write one record to any topic; return its offset."""
        sent = self._producer.send(self.settings.topic(topic), value=value, key=key, partition=partition)
        return int(sent.get(timeout=15).offset)

    def send_all(self, records: Iterable[tuple[int, bytes, bytes]]) -> None:
        """Write (partition, key, value) records and wait until the broker has them."""
        topic = self.settings.topic(READINGS)
        sent = [self._producer.send(topic, value=v, key=k, partition=p) for p, k, v in records]
        for future in sent:
            future.get(timeout=15)

    def read(self, topic: str) -> list[object]:
        """Return every record of a topic, partition after partition; what has been read is not fetched again."""
        name = self.settings.topic(topic)
        tps = [tp for tp in self._taken if tp.topic == name]
        if not tps:
            tps = [TopicPartition(name, p) for p in sorted(self._consumer.partitions_for_topic(name))]
            self._taken |= {tp: [] for tp in tps}
        ends = self._consumer.end_offsets(tps)
        if behind := {tp: ends[tp] for tp in tps if ends[tp] > self._next(tp)}:
            self._read_on(behind)
        return [record for tp in tps for record in self._taken[tp]]

    def _next(self, tp: TopicPartition) -> int:
        taken = self._taken[tp]
        return taken[-1].offset + 1 if taken else 0

    def _read_on(self, ends: dict[TopicPartition, int]) -> None:
        self._consumer.assign([*ends])
        self._consumer.seek_to_beginning(*ends)
        for tp in ends:
            if self._taken[tp]:
                self._consumer.seek(tp, self._next(tp))
        end_s = time.monotonic() + DEADLINE_S
        while not all(self._is_at_end(tp, end) for tp, end in ends.items()):
            assert time.monotonic() < end_s, f"{next(iter(ends)).topic} could not be read to its end"
            for tp, records in self._consumer.poll(timeout_ms=200).items():
                self._taken[tp] += records

    def _is_at_end(self, tp: TopicPartition, end: int) -> bool:
        # Also by the fetch's answer: asked for its end, the embedded broker leaves out all but the first record of
        # the last batch.
        highwater = self._consumer.highwater(tp)
        return highwater is not None and self._consumer.position(tp) >= max(highwater, end)

    def alerts(self) -> list[dict[str, object]]:
        return [json.loads(record.value) for record in self.read(ALERTS)]

    def dead_letters(self) -> list[tuple[bytes | None, bytes | None, dict[str, str]]]:
        """Return (key, value, headers) of each."""
        return [
            (record.key, record.value, {name: value.decode() for name, value in record.headers})
            for record in self.read(DEAD_LETTERS)
        ]

    def expected(self) -> dict[str, dict[str, object]]:
        """Judge the log in one go, partition by partition; return the alerts by id.

        A frame that the log holds twice counts once, by comparing bytes and not as the judge does it.
        """
        settings = self.settings
        time_rules = TimeRules(
            settings.time_base == "recorded", settings.clock_ahead_ms_max, settings.live_horizon_ms
        )
        judge = Judge(
            load_rules(settings.rules),
            time_rules,
            settings.patient_ttl_s * 1000,
            settings.partitions,
            settings.patients_max,
        )
        alerts = {}
        for partition, records in enumerate(self.log()):
            once = {(record.key, record.value): record for record in reversed(records)}
            decoded = Decoder().decode(sorted(once.values(), key=lambda record: record.offset))
            for transition in judge.judge(judge.new_table(partition), decoded).transitions:
                alert = report(judge.alarms[transition.column], transition).model_dump(mode="json")
                alerts[alert["id"]] = alert
        return alerts

    def log(self) -> list[list[object]]:
        """Return the readings topic, partition by partition."""
        found: list[list[object]] = [[] for _ in range(self.settings.partitions)]
        for record in self.read(READINGS):
            found[record.partition].append(record)
        return found

    def wait_for_alerts(self, expected: dict[str, dict[str, object]]) -> None:
        """Wait until every expected alert was written; fail at once on one that was not expected."""

        def missing() -> set[str]:
            found = {alert["id"] for alert in self.alerts()}
            assert found <= expected.keys(), "an alert that the log does not lead to"
            return expected.keys() - found

        try:
            wait_until(lambda: not missing(), f"{len(expected)} alerts")
        except AssertionError:
            for worker in self.workers:
                print(f"a worker said:\n{worker.said[-4000:]}")
            raise

    def committed(self) -> list[int]:
        """Return the committed offset of each partition of the readings, -1 where there is none."""
        with contextlib.closing(connect_admin(self.settings)) as admin:
            tps = [TopicPartition(self.settings.topic(READINGS), p) for p in range(self.settings.partitions)]
            found = admin.list_group_offsets({self.settings.group: tps})[self.settings.group]
        return [found[tp].offset for tp in tps]

    def log_end(self) -> list[int]:
        """Return the end offset of each partition of the readings, -1 where it is empty."""
        return [records[-1].offset + 1 if records else -1 for records in self.log()]


def environment_of(settings: dict[str, object]) -> dict[str, str]:
    """Return our environment with these settings and no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    ours = {f"VIGIL_{name.upper()}": str(value) for name, value in settings.items() if value is not None}
    return others | ours | {"PYTHONPATH": str(ROOT)}


def frame(patient: str, second: int, **readings: float | None) -> tuple[bytes, bytes]:
    """Return key and value of one frame of the patient's monitor, which sends one a second."""
    head = {"patient": patient, "device": f"mon-{patient}", "boot": 1, "seq": second}
    return patient.encode(), json.dumps(head | {"event_ts_ms": second * 1000} | readings).encode()


def tick(second: int) -> tuple[bytes, bytes]:
    """Return key and value of the tick that follows the frames of a second."""
    return TICK_KEY, encode_tick(second * 1000 + 500)


def ward_log(
    patients: Sequence[str], seconds: int, partitions: int = 2
) -> Iterator[list[tuple[int, bytes, bytes]]]:
    """Yield, second by second, (partition, key, value) of every patient's frame and a tick in each partition.

    Readings are stretches of calm, violation and no reading, of a length that depends on the patient's name.
    """
    courses = [_course(patient, seconds) for patient in patients]
    for second in range(seconds):
        frames = [(n % partitions, *course[second]) for n, course in enumerate(courses)]
        yield frames + [(partition, *tick(second)) for partition in range(partitions)]


def _course(patient: str, seconds: int) -> list[tuple[bytes, bytes]]:
    rng = random.Random(patient)
    frames: list[tuple[bytes, bytes]] = []
    while len(frames) < seconds:
        spo2, hr = rng.choice([97, 97, 85, None]), rng.choice([80, 80, 140])
        frames += [frame(patient, len(frames) + i, spo2=spo2, hr=hr) for i in range(rng.randint(2, 12))]
    return frames[:seconds]
