"""Replaying recordings through a worker of their own: send, wait until all of it is decided, collect the alerts.

A replay has its own topics and group, so that it meets no other reading and can run again on the same broker. Its
worker runs on the recordings' time base: what comes out depends on the recordings alone, not on the speed, on the
worker's restarts or on this machine's clock.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from kafka import TopicPartition
from kafka.errors import KafkaError

from edge.options import with_changes
from edge.readers.recording import Recording
from edge.records import Skipped, read_record, told
from edge.replay_log import Entry, check_recordings, replay_entries
from edge.stack import Stack
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.frame import EVENT_TS_MS_MAX
from streams.contracts.topics import ALERTS, DEAD_LETTERS, READINGS
from streams.errors import BadData, VigilError
from streams.kafka.admin import plan
from streams.kafka.connect import connect_admin
from streams.kafka.log_end import log_ends, read_whole
from streams.kafka.producers import RECORDINGS, Producer

PARTITIONS: Final = 4
CHECKPOINT_S: Final = 1.0
IN_FLIGHT_MAX: Final = 10_000
"""Records on their way to the broker; beyond it the replay waits."""

STALL_S_MAX: Final = 90.0
"""Without any progress for so long the replay gives up."""

POLL_S: Final = 0.2
ROOM_POLL_S: Final = 0.005

Progress = Callable[[str, int, int], None]
"""Told (stage, done, of how many)."""


@dataclass(slots=True)
class Replay:
    """What a replay did. `alerts` are in order of time, each once, as the contract's JSON objects."""

    frames: int = 0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: int = 0
    first_refused: str = ""
    worker_restarts: int = 0
    seconds: float = 0.0

    def starts(self) -> dict[str, int]:
        """Return how many alarms of each rule started."""
        counts: dict[str, int] = {}
        for alert in self.alerts:
            if alert["phase"] == "start":
                counts[alert["rule"]] = counts.get(alert["rule"], 0) + 1
        return counts


def run_replay(
    recordings: Sequence[Recording],
    settings: Settings,
    *,
    speed: float | None = None,
    start_ms: int = 0,
    copies: int = 1,
    verbose: bool = False,
    progress: Progress = lambda stage, done, total: None,
    on_ready: Callable[[Stack], None] = lambda stack: None,
) -> Replay:
    """Replay recordings and return their alerts.

    Args:
        recordings: of different patients, or of different devices of one.
        settings: brokers (none = an embedded one) and rules.
        speed: recorded seconds per second; None = as fast as possible.
        start_ms: the moment that the recordings' zero stands for.
        copies: how often each frame is sent.
        verbose: show the worker's log.
        progress: told how far the replay is.
        on_ready: told when the worker is ready, before the first frame.

    Raises:
        VigilError: no broker, a worker that fails for good, or no progress.
        BadData: the worker refused frames of a recording.
    """
    check_recordings(recordings)
    name = f"replay-{uuid.uuid4().hex[:12]}"
    settings = with_changes(
        settings,
        group=name,
        topic_prefix=f"{name}.",
        partitions=PARTITIONS,
        time_base="recorded",
        checkpoint_interval_s=CHECKPOINT_S,
    )
    started_s = time.monotonic()
    result = Replay()
    with Stack(settings, verbose=verbose) as stack, _own_topics(stack):
        stack.wait_ready()
        on_ready(stack)
        total = sum(recording.frame_count for recording in recordings) * copies
        result.frames = _send(
            stack, replay_entries(recordings, start_ms, copies), speed, start_ms, total, progress
        )
        _wait_decided(stack, progress)
        result.alerts = _collect(stack.settings)
        result.dead_letters = sum(log_ends(stack.settings, stack.settings.topic(DEAD_LETTERS)).values())
        if result.dead_letters:
            result.first_refused = first_refused(
                read_whole(stack.settings, stack.settings.topic(DEAD_LETTERS)), start_ms
            )
        result.worker_restarts = sum(worker.restarts for worker in stack.pool.workers)
    result.seconds = time.monotonic() - started_s
    if result.dead_letters:
        raise BadData(
            f"the worker refused {result.dead_letters} frames of the recordings; {result.first_refused}"
        )
    return result


@contextmanager
def _own_topics(stack: Stack) -> Any:
    """Remove the replay's topics and group from a broker that is not ours."""
    try:
        yield
    finally:
        if not stack.embedded:
            with suppress(KafkaError, VigilError), closing(connect_admin(stack.settings)) as admin:
                admin.delete_topics([topic.name for topic in plan(stack.settings)])


def _send(
    stack: Stack, entries: Iterable[Entry], speed: float | None, start_ms: int, total: int, progress: Progress
) -> int:
    """Write all entries, paced by `speed`; return how many frames there were."""
    settings, frames = stack.settings, 0
    with Producer(settings, RECORDINGS, settings.topic(READINGS), IN_FLIGHT_MAX) as producer:
        begun_s = time.monotonic()
        for entry in entries:
            if speed is not None:
                _sleep_until(begun_s + (entry.ts_ms - start_ms) / 1000 / speed, stack)
            for partition in range(settings.partitions) if entry.is_tick else (None,):
                _when_there_is_room(stack, producer, entry, partition)
            frames += not entry.is_tick
            if entry.is_tick:
                _check_written(producer)
                progress("sent", frames, total)
                stack.check()
        while producer.in_flight:
            stack.check()
            time.sleep(ROOM_POLL_S)
        _check_written(producer)
    progress("sent", frames, total)
    return frames


def _when_there_is_room(stack: Stack, producer: Producer, entry: Entry, partition: int | None) -> None:
    """Hand an entry over; what is on its way arrives or fails in a bounded time, so the wait ends."""
    until_s = time.monotonic() + STALL_S_MAX
    while producer.send(entry.key, entry.value, partition) is None:
        _check_written(producer)
        stack.check()
        if time.monotonic() > until_s:
            raise VigilError(f"the broker took no frame for {STALL_S_MAX:g} s")
        time.sleep(ROOM_POLL_S)


def _check_written(producer: Producer) -> None:
    if producer.failed:
        raise VigilError(f"a frame could not be written: {producer.last_error}")


def _sleep_until(moment_s: float, stack: Stack) -> None:
    while (rest := moment_s - time.monotonic()) > 0:
        stack.check()
        time.sleep(min(rest, POLL_S))


def _wait_decided(stack: Stack, progress: Progress) -> None:
    """Wait until the worker's group has committed everything that was written."""
    settings = stack.settings
    ends = log_ends(settings, settings.topic(READINGS))
    total, last, since_s = sum(ends.values()), -1, time.monotonic()
    with closing(connect_admin(settings)) as admin:
        while True:
            stack.check()
            done = _committed(admin, settings, ends)
            progress("decided", done, total)
            if done >= total:
                return
            if done != last:
                last, since_s = done, time.monotonic()
            elif time.monotonic() - since_s > STALL_S_MAX:
                said = stack.pool.last_words(stack.pool.workers[0])
                raise VigilError(f"no progress for {STALL_S_MAX:g} s, {total - done} records undecided{said}")
            time.sleep(POLL_S)


def _committed(admin: Any, settings: Settings, ends: dict[TopicPartition, int]) -> int:
    try:
        groups = admin.list_group_offsets(settings.group)
    except KafkaError:  # the group is being formed, or a broker is changing hands: ask again
        return -1
    offsets = groups.get(settings.group, {})
    return sum(min(end, offsets[tp].offset if tp in offsets else 0) for tp, end in ends.items())


def _collect(settings: Settings) -> list[dict[str, Any]]:
    """Return every alert of the run once, in order of time."""
    alerts, skipped = {}, Skipped()
    with told(skipped):
        for record in read_whole(settings, settings.topic(ALERTS)):
            if (alert := read_record(Alert, record, skipped)) is not None:
                alerts[alert.id] = msgspec.json.decode(record.value)
    return sorted(alerts.values(), key=_order)


def first_refused(letters: Iterable[Any], start_ms: int) -> str:
    """Say which frame was refused first, by its time, and why; a frame whose time cannot be read comes last."""
    found = []
    for letter in letters:
        headers = {name: value.decode(errors="replace") for name, value in letter.headers}
        try:
            at_ms = int(msgspec.json.decode(letter.value)["event_ts_ms"]) - start_ms
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            at_ms = EVENT_TS_MS_MAX
        patient = (letter.key or b"").decode(errors="replace")
        found.append((at_ms, patient, f"{headers.get('reason', '')}: {headers.get('detail', '')}"))
    at_ms, patient, why = min(found)
    return f"the first, of {patient} at {at_ms / 1000:g} s: {why}"


def _order(alert: dict[str, Any]) -> tuple[int, str, str, int]:
    return alert["event_ts_ms"], alert["patient"], alert["rule"], int(alert["id"].rpartition("-")[2])


def write_alerts(path: Path, alerts: Iterable[dict[str, Any]]) -> None:
    """Write alerts as JSON lines."""
    with path.open("wb") as file:
        for alert in alerts:
            file.write(msgspec.json.encode(alert) + b"\n")
