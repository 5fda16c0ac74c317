"""The delivery drill from start to verdict: `python -m bench.drills delivery`."""

import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, Final

from bench.drills.delivery.crashing_sender import POINTS
from bench.drills.delivery.plan import alert_number, write_files
from bench.drills.delivery.receiver import Receiver
from bench.drills.delivery.verdict import Evidence, Window, judge
from bench.drills.worker_faults import CRASH_CODE
from edge.brokers.cluster import KafkaCluster
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.channels.faults import CHANNEL_FAILED
from edge.metrics_scrape import scrape
from edge.options import with_changes
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.deliveries import Delivery
from streams.contracts.topics import ALERTS, DELIVERIES
from streams.errors import VigilError
from streams.kafka import producers
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

NAME: Final = "delivery"
ALERTS_COUNT: Final = 1_000
SECONDS: Final = 300.0
PARTITIONS: Final = 8
READY_S_MAX: Final = 60.0
CRASH_S_MAX: Final = 60.0
SETTLE_S: Final = 130.0
"""After the last alert everything has its end by then, or a promise broke."""

FUSE: Final = 25
"""Messages that a sender deals with before it dies."""

FUSES: Final = {"restoring": 1, "written": 5}
"""Partitions read to their end, and batches written."""

POLL_S: Final = 0.1
NOT_NOW_S: Final = 0.01
TAIL: Final = 1_000


@dataclass(slots=True)
class Stage:
    """The processes of the drill, and when no sender was there."""

    settings: Settings
    folder: Path
    away: list[Window] = field(default_factory=list)
    undecided: list[Window] = field(default_factory=list)
    kills: int = 0
    broken: list[str] = field(default_factory=list)
    _running: list[Popen[bytes]] = field(default_factory=list)
    _count: int = 0

    def start(self, *command: str) -> tuple[Popen[bytes], str, Path]:
        """Start a process; return it, where its metrics are, and its log."""
        port = free_port()
        settings = with_changes(self.settings, metrics_port=port, channels_metrics_port=port)
        self._count += 1
        log = self.folder / f"{self._count}-{command[0]}.log"
        with log.open("wb") as output:
            process = spawn([sys.executable, "-P", "-m", *command], output, worker_environment(settings))
        self._running.append(process)
        return process, f"http://127.0.0.1:{port}/metrics", log

    def start_ready(self, metric: str, *command: str) -> Popen[bytes]:
        """Start a process and wait until it says that it works: a sender, of every partition."""
        least = self.settings.partitions if metric == SENDER_READY else 1
        process, url, log = self.start(*command)
        until_s = time.monotonic() + READY_S_MAX
        while (found := scrape(url)) is None or (found.value(metric) or 0) < least:
            if process.poll() is not None or time.monotonic() > until_s:
                raise VigilError(f"{command[0]} does not come up: {log.read_text(errors='replace')[-TAIL:]}")
            time.sleep(POLL_S)
        return process

    def close(self) -> None:
        """End what still runs."""
        for process in self._running:
            stop(process, 0.0)


SENDER: Final = "edge.channels"
CRASHING: Final = "bench.drills.delivery.crashing_sender"
SENDER_READY: Final = "vigil_channel_partitions"
DECIDER: Final = "agents.delivery"
DECIDER_READY: Final = "vigil_delivery_ready"


def run(
    seconds: float | None = None, count: int = ALERTS_COUNT, brokers: str | None = None
) -> dict[str, Any]:
    """Run the drill and return what it found, as the other drills' files hold it."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-drill-")))
        bootstrap = brokers or stack.enter_context(KafkaCluster(1)).bootstrap
        receiver = stack.enter_context(Receiver())
        name = f"{NAME}-{uuid.uuid4().hex[:6]}"
        settings = Settings(
            brokers=bootstrap,
            group=f"drill-{name}",
            topic_prefix=f"{name}.",
            partitions=PARTITIONS,
            session_timeout_s=6.0,
            routing=write_files(folder, receiver.port),
            data_dir=folder,
        )
        apply_topics(settings)
        stage = Stage(settings, folder)
        stack.callback(stage.close)
        told = _play(stage, seconds or SECONDS, count)
        seen = Evidence(told, [], receiver.got, [], stage.away, stage.undecided, stage.kills)
        _wait_settled(settings, seen, len(told))
        broken, facts = judge(seen)
        broken += stage.broken
        return {"drill": NAME, "ok": not broken, "broken": broken, **facts}


def lines(found: dict[str, Any]) -> list[str]:
    """Return what was found in lines for a terminal."""
    first, ends = found["first_send_s"], found["finals"]
    again = found["taken_again"]
    return [
        f"drill {NAME}: {found['alerts']} alerts, {found['deliveries']} deliveries, {found['requests']} requests",
        f"  finals: {', '.join(f'{name} {count}' for name, count in sorted(ends.items()))}",
        f"  first send: p50 {first['p50']} s, p99 {first['p99']} s, max {first['max']} s, of {first['count']}",
        f"  escalation: {found['escalations']['off_s_max']} s off at most, of {found['escalations']['count']}",
        f"  came again after {found['kills']} kills: {again['messages']} messages, "
        f"one of them {again['most_of_one']} times at most",
    ]


def _play(stage: Stage, seconds: float, count: int) -> dict[str, int]:
    """Send alerts at a steady pace while senders and the decider are killed; return the broker's time of each."""
    decider = stage.start_ready(DECIDER_READY, DECIDER)
    sender = stage.start_ready(SENDER_READY, SENDER)
    with _alerts(stage.settings) as producer:
        load = _load(producer, seconds, count)
        share = count // (len(POINTS) + 4)
        _advance(load, share)
        for point in POINTS:
            sender = _crash(stage, sender, point, load)
            _advance(load, share // 2)
        gone_ms = _now_ms()
        stop(sender, 10.0)
        sender = stage.start_ready(SENDER_READY, SENDER)
        stage.away.append(Window(gone_ms, _now_ms()))
        _advance(load, share)
        gone_ms = _now_ms()
        decider.kill()
        decider.wait()
        stage.start_ready(DECIDER_READY, DECIDER)
        stage.undecided.append(Window(gone_ms, _now_ms()))
        _advance(load, count)
        until_s = time.monotonic() + READY_S_MAX
        while (
            producer.in_flight and time.monotonic() < until_s
        ):  # closing it gives up what is not acknowledged
            time.sleep(NOT_NOW_S)
    return {
        alert.id: int(record.timestamp)
        for record in read_whole(stage.settings, stage.settings.topic(ALERTS))
        if (alert := Alert.model_validate_json(record.value)).rule.startswith("drill-")
    }


def _crash(stage: Stage, sender: Popen[bytes], point: str, load: Iterator[None]) -> Popen[bytes]:
    """Put a sender that dies at a point in the place of one that works, and one that works after it."""
    gone_ms = _now_ms()
    stop(sender, 10.0)
    fuse = str(FUSES.get(point, FUSE))
    crashing, _, log = stage.start(CRASHING, point, fuse)
    until_s = time.monotonic() + CRASH_S_MAX
    while crashing.poll() is None and time.monotonic() < until_s:
        if next(load, "over") == "over":
            time.sleep(POLL_S)
    if crashing.poll() != CRASH_CODE:
        stage.broken.append(f"the sender did not die at {point}: {log.read_text(errors='replace')[-TAIL:]}")
        stop(crashing, 0.0)
    stage.kills += 1
    back = stage.start_ready(SENDER_READY, SENDER)
    stage.away.append(Window(gone_ms, _now_ms()))
    return back


@contextlib.contextmanager
def _alerts(settings: Settings) -> Iterator[producers.Producer]:
    with producers.Producer(settings, producers.ALERTS, settings.topic(ALERTS)) as producer:
        yield producer


def _load(producer: producers.Producer, seconds: float, count: int) -> Iterator[None]:
    """Write alerts, one a turn, at their time by an open schedule."""
    began_s = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began_s + number * seconds / count - time.monotonic()))
        alert = alert_number(number, _now_ms())
        for _ in range(2 if alert.rule.endswith("twice") else 1):
            while producer.send(alert.patient.encode(), alert.model_dump_json().encode()) is None:
                time.sleep(NOT_NOW_S)
        yield


def _advance(load: Iterator[None], count: int) -> None:
    for _, _ in zip(range(count), load, strict=False):
        pass


def _wait_settled(settings: Settings, seen: Evidence, count: int) -> None:
    """Read the topics until every delivery has its end, or long enough for that."""
    until_s = time.monotonic() + SETTLE_S
    while True:
        seen.milestones = [
            Delivery.model_validate_json(record.value)
            for record in read_whole(settings, settings.topic(DELIVERIES))
        ]
        queued = {one.id for one in seen.milestones if one.milestone == "queued"}
        ended = {
            one.id
            for one in seen.milestones
            if one.milestone in ("accepted", "rejected", "undefined", "expired")
        }
        alerts = {one.alert for one in seen.milestones}
        if (len(alerts) >= count and queued <= ended) or time.monotonic() > until_s:
            break
        time.sleep(1.0)
    seen.technical = [
        alert
        for record in read_whole(settings, settings.topic(ALERTS))
        if (alert := Alert.model_validate_json(record.value)).rule == CHANNEL_FAILED
        and alert.phase == "start"
    ]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
