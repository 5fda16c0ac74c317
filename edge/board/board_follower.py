"""Reads a board's topics from their beginning and follows them, in no consumer group and a thread of its own.

Compacted topics are read whole; of those that are kept by time only what a ward looks back at. What comes is parsed
in the thread and handed over in batches, a bounded number of them at a time. Brokers that go away are waited for: what
is shown then grows old, which the heartbeats' "judged until" tells.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from kafka import TopicPartition
from pydantic import BaseModel

from edge.board.position import SHOWN, Log
from edge.records import Skipped, read_record
from edge.topic_thread import TopicThread
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.command import Answer, Order, Signed
from streams.contracts.deliveries import Delivery
from streams.contracts.patient_state import Heartbeat, Limits, Patient
from streams.contracts.seals import Unproven
from streams.contracts.topics import ALERTS, COMMANDS, DELIVERIES, HEARTBEAT, HOUR_MS, LIMITS, PATIENTS
from streams.errors import TopicsMismatch
from streams.kafka.log_end import ends_of
from streams.kafka.security import seals_of

BACK_MS: Final = 24 * HOUR_MS
"""How far back alerts, deliveries and commands are read: three shifts of eight hours."""

BEATS_BACK: Final = 2
"""Heartbeats of each partition that are read again: the newest says all."""

POLL_MS: Final = 100
POLL_RECORDS_MAX: Final = 2_000
BATCHES_MAX: Final = 8
"""Batches handed over and not yet taken in; beyond it nothing is fetched."""

ROOM_S: Final = 1.0
"""Between two looks at whether the thread is to end, while nothing may be handed over."""

ANSWER_MS_MAX: Final = 5_000

LOOK_S: Final = 30.0
"""Between two looks at how many partitions there are."""

RECONNECT_MS_MAX: Final = 1_000

COMPACTED: Final = {"patients": PATIENTS, "limits": LIMITS}
KEPT_BY_TIME: Final = {"alerts": ALERTS, "deliveries": DELIVERIES, "commands": COMMANDS}
TOPICS: Final[Mapping[str, str]] = {**COMPACTED, **KEPT_BY_TIME, "heartbeat": HEARTBEAT}
MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "patients": Patient,
    "limits": Limits,
    "alerts": Alert,
    "deliveries": Delivery,
    "heartbeat": Heartbeat,
}


class Heard(NamedTuple):
    """One record: `found` is what it holds, None that its key was deleted; `ts_ms` is its time on the broker."""

    offset: int
    key: str
    found: BaseModel | None
    ts_ms: int


@dataclass(slots=True)
class Batch:
    """What came of each log, and the offset that comes next there; `anew` = all before it counts no more.

    `lacking` are logs of which records were compacted away before they were read, and the offsets where those end now:
    what stands for them comes before that.
    """

    records: dict[Log, list[Heard]] = field(default_factory=dict)
    ahead: dict[Log, int] = field(default_factory=dict)
    lacking: dict[Log, int] = field(default_factory=dict)
    anew: bool = False


def has_gap(begin: int | None, offsets: Sequence[int]) -> bool:
    """Tell whether offsets are missing in a stretch of a log, or right before it if it is known where it begins."""
    first = offsets[0] if begin is None else begin
    return bool(offsets) and offsets[-1] - first + 1 != len(offsets)


class Reader(TopicThread):
    """Follows the topics. `deliver` is called in its thread with each batch and must call `taken` once it is done.

    Args:
        settings: where the brokers are.
        deliver: hands a batch to whoever owns the state.
        wall_s: the time of day, s.
    """

    def __init__(
        self, settings: Settings, deliver: Callable[[Batch], None], wall_s: Callable[[], float] = time.time
    ) -> None:
        client = {"reconnect_backoff_max_ms": RECONNECT_MS_MAX, "max_poll_records": POLL_RECORDS_MAX}
        super().__init__(settings, "board-reader", **client)
        self._deliver = deliver
        self._wall_s = wall_s
        self._seals = seals_of(settings)
        self._names = {settings.topic(name): short for short, name in TOPICS.items()}
        self._room = threading.BoundedSemaphore(BATCHES_MAX)
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self.is_complete = threading.Event()
        """Set once all that was there at the start has been handed over."""
        self.skipped = Skipped()
        self.heard_s: dict[str, float] = {}
        """When a record of each topic came last, by the monotonic clock, s."""
        self.partitions = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def taken(self) -> None:
        """Say that a batch has been taken in."""
        self._room.release()

    def _follow(self, consumer: Any) -> None:
        tps = self._partitions(consumer)
        ends = ends_of(consumer, tps)
        if any(ends[tp] < offset for tp, offset in self._next.items() if tp in ends):
            self._next.clear()
            self._hand_over(Batch(anew=True))
        fresh = [tp for tp in tps if tp not in self._next]
        self._next |= self._begin(consumer, fresh, ends)
        self._ends = {tp: end for tp, end in ends.items() if not self.is_complete.is_set()}
        consumer.assign(tps)
        for tp in tps:
            consumer.seek(tp, self._next[tp])
        self._complete(consumer)
        looked_s = time.monotonic()
        while not self._stop.is_set():
            found = consumer.poll(timeout_ms=POLL_MS)
            self.failure = ""
            if found:
                self._hand_over(self._read(consumer, found))
            self._complete(consumer)
            if time.monotonic() - looked_s > LOOK_S:
                looked_s = time.monotonic()
                if self._partitions(consumer) != tps:
                    raise TopicsMismatch("the topics have other partitions now: reading on with those")

    def _partitions(self, consumer: Any) -> list[TopicPartition]:
        tps = list[TopicPartition]()
        for topic, short in self._names.items():
            found = consumer.partitions_for_topic(topic)
            if not found:
                raise TopicsMismatch(f"no topic {topic}: run vigil topics apply")
            if short == "patients":
                self.partitions = len(found)
            tps += [TopicPartition(topic, number) for number in sorted(found)]
        return tps

    def _begin(
        self, consumer: Any, tps: Sequence[TopicPartition], ends: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, int]:
        """Return where each partition is read from."""
        consumer.assign(list(tps))
        starts = consumer.beginning_offsets(list(tps), timeout_ms=ANSWER_MS_MAX) if tps else {}
        begin = {tp: int(starts.get(tp) or 0) for tp in tps}
        since_ms = int(self._wall_s() * 1000) - BACK_MS
        dated = [tp for tp in tps if self._names[tp.topic] in KEPT_BY_TIME and begin[tp] < ends[tp]]
        if dated:
            found = consumer.offsets_for_times(dict.fromkeys(dated, since_ms), timeout_ms=ANSWER_MS_MAX)
            for tp in dated:
                # Nothing so young, says the broker; what comes now is young all the same.
                begin[tp] = max(begin[tp], int(found[tp].offset) if found.get(tp) else ends[tp])
        for tp in tps:
            if self._names[tp.topic] == "heartbeat":
                begin[tp] = max(begin[tp], ends[tp] - BEATS_BACK)
        return begin

    def _read(self, consumer: Any, found: Mapping[TopicPartition, Sequence[Any]]) -> Batch:
        batch, now_s = Batch(), time.monotonic()
        for tp, records in found.items():
            short = self._names[tp.topic]
            log = Log(short, tp.partition)
            batch.records[log] = [one for record in records if (one := self._parsed(short, record))]
            batch.ahead[log] = int(consumer.position(tp, timeout_ms=ANSWER_MS_MAX))
            is_shown = short in SHOWN and short in COMPACTED
            if is_shown and has_gap(self._next.get(tp), [record.offset for record in records]):
                batch.lacking[log] = max(batch.ahead[log], consumer.highwater(tp) or 0)
            self.heard_s[short] = now_s
        # Only now: what fails before is read again.
        self._next |= {tp: batch.ahead[Log(self._names[tp.topic], tp.partition)] for tp in found}
        return batch

    def _parsed(self, short: str, record: Any) -> Heard | None:
        key = (record.key or b"").decode(errors="replace")
        said: BaseModel | None = None
        if record.value is not None:
            model = MODELS.get(short) or (Answer if b'"kind":"answer"' in record.value else Signed)
            said = read_record(model, record, self.skipped)
            if said is None:
                return None
            if isinstance(said, Signed):
                said = self._proven(said, record)
                if said is None:
                    return None
            if getattr(said, "patient", key) != key:
                self.skipped.note(record, "its key is of another patient")
                return None
            if isinstance(said, Heartbeat) and said.partition % self.partitions != record.partition:
                self.skipped.note(record, f"it speaks for partition {said.partition}")
                return None
        elif short not in COMPACTED:
            return None
        return Heard(int(record.offset), key, said, int(record.timestamp))

    def _proven(self, said: Signed, record: Any) -> Order | None:
        """Return a command that somebody signed, None for one that nobody did: no worker takes it either."""
        try:
            self._seals.signed(record.key or b"", record.value)
        except Unproven as fault:
            self.skipped.note(record, str(fault))
            return None
        return said.content.order.root

    def _hand_over(self, batch: Batch) -> None:
        while not self._room.acquire(timeout=ROOM_S):
            if self._stop.is_set():
                return
        self._deliver(batch)

    def _complete(self, consumer: Any) -> None:
        """See whether all that was there at the start is read; its last records may have been compacted away."""
        if self.is_complete.is_set():
            return
        self._ends = {
            tp: end
            for tp, end in self._ends.items()
            if self._next[tp] < end and int(consumer.position(tp, timeout_ms=ANSWER_MS_MAX)) < end
        }
        if not self._ends:
            self.is_complete.set()
            self._hand_over(Batch())
