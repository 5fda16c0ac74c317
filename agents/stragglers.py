"""Forwards what is still written to a generation of the readings that is no more judged to the next one, in its order.

A writer that knows of no other generation goes on as before and loses nothing; it costs a hop. Each worker has a thread
for it, and the old partitions are shared out among those by a group of their own. It began at the cuts, up to which the
old generation was judged (`agents.splitting`). An offset is committed when what lies before it has arrived: after a
death a stretch may come twice, at most `REPEATS_MAX` frames of one patient, whom the judge knows as repeats.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Any, Final

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from streams.config.settings import Settings
from streams.contracts.frame import OWN_STREAM, TICK_KEY
from streams.contracts.layout import Layout
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.partitions import canary_name, partitions_of
from streams.contracts.topics import READINGS
from streams.errors import VigilError
from streams.kafka.connect import connect_consumer
from streams.kafka.layout_log import in_generation
from streams.kafka.producers import FORWARDED, Producer
from streams.kafka.publisher import fail_stop
from tables.device_rows import SEEN

REPEATS_MAX: Final = SEEN - 28
"""Frames of one patient between two commits: the judge remembers `SEEN` numbers of a device."""

POLL_RECORDS_MAX: Final = 2_000
POLL_MS: Final = 100
SETTLE_POLL_S: Final = 0.001
AGAIN_S: Final = 0.5
FAILING_S_MAX: Final = 60.0
"""For so long nothing could be forwarded: the process ends, and another may do better."""

END_S_MAX: Final = 2.0
LOOK_MS_MAX: Final = 60_000
"""Between two polls: a stretch and its acknowledgements are far shorter."""

logger = logging.getLogger(__name__)


def forwarding_group(settings: Settings) -> str:
    """Return the group that forwards what is written to generations before the one that is judged."""
    return f"{settings.group}-forwarding"


def destinations(
    keys: Sequence[bytes | None], partition: int, partitions: int, count: int
) -> list[tuple[int, ...]]:
    """Return where records of an old partition go, of `count` partitions now; nowhere where it is a tick.

    What is no patient's frame, as a command, concerned all patients of the partition: it goes wherever they are now. A
    note is about the partition itself.
    """
    children = tuple(range(partition, count, partitions))
    found: list[tuple[int, ...]] = [(partition,)] * len(keys)
    names: dict[int, str] = {}
    for i, key in enumerate(keys):
        if key == TICK_KEY:
            found[i] = ()
        elif key is None or key in (NOTE_KEY, canary_name(partition).encode()):
            continue
        elif key.startswith(b"~") and not key.startswith(OWN_STREAM.encode()):
            found[i] = children
        else:
            try:
                names[i] = key.decode()
            except UnicodeDecodeError:
                continue
    for i, home in zip(names, partitions_of(list(names.values()), count).tolist(), strict=True):
        found[i] = (home,)
    return found


def stretches(records: Sequence[Any], most: int = REPEATS_MAX) -> Iterator[Sequence[Any]]:
    """Cut records of a partition so that each stretch has at most so many of one key; in their order."""
    begin, seen = 0, Counter[bytes | None]()
    for i, record in enumerate(records):
        if seen[record.key] == most:
            yield records[begin:i]
            begin, seen = i, Counter()
        seen[record.key] += 1
    if begin < len(records):
        yield records[begin:]


class Stragglers:
    """Forwards in a thread of its own, from the start until `stop`.

    Args:
        settings: the worker's, of the generation that is judged.
        layout: as this worker found it.
    """

    def __init__(self, settings: Settings, layout: Layout) -> None:
        self._settings = settings
        self._hops = {
            old.topic(READINGS): (old, new)
            for old, new in (
                (in_generation(settings, before), in_generation(settings, after))
                for before, after in layout.hops
            )
        }
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vigil-stragglers", daemon=True)
        self._well_s = time.monotonic()
        self.forwarded = 0
        """Records that were forwarded, each once for each place that it went to."""

    def start(self) -> None:
        """Begin, if there is anything to forward."""
        if self._hops:
            self._thread.start()

    def end(self) -> None:
        """End soon."""
        self._ending.set()

    def stop(self) -> None:
        """End and leave the group: others go on at once."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(END_S_MAX)

    def _run(self) -> None:
        self._well_s = time.monotonic()
        while not self._ending.is_set():
            try:
                self._forward_all()
            except Exception as error:  # the brokers are away, or what another attempt may mend
                logger.warning("readings of a former generation cannot be forwarded at the moment: %r", error)
                if time.monotonic() - self._well_s > FAILING_S_MAX:
                    fail_stop(
                        f"readings of a former generation were not forwarded for {FAILING_S_MAX:g} s: {error!r}"
                    )
            self._ending.wait(AGAIN_S)

    def _forward_all(self) -> None:
        session_ms = round(self._settings.session_timeout_s * 1000)
        options: dict[str, Any] = {
            "group_id": forwarding_group(self._settings),
            "session_timeout_ms": session_ms,
            "heartbeat_interval_ms": session_ms // 5,
            "max_poll_interval_ms": LOOK_MS_MAX,
            "max_poll_records": POLL_RECORDS_MAX,
            # Without a cut nobody knows what was judged: neither all nor nothing may be forwarded.
            "auto_offset_reset": "none",
            "isolation_level": "read_committed",
            "allow_auto_create_topics": False,
        }
        with ExitStack() as stack:
            to = {
                new.topic(READINGS): stack.enter_context(Producer(new, FORWARDED, new.topic(READINGS)))
                for _, new in self._hops.values()
            }
            consumer = stack.enter_context(closing(connect_consumer(self._settings, **options)))
            consumer.subscribe(sorted(self._hops))
            done: dict[TopicPartition, int] = {}
            while not self._ending.is_set():
                for tp, records in consumer.poll(timeout_ms=POLL_MS).items():
                    for stretch in stretches(records):
                        self._forward(tp, stretch, to)
                        done[tp] = stretch[-1].offset + 1
                        consumer.commit({tp: _at(done[tp])})
                # What ends a transaction is no record, and would otherwise count as one that waits.
                reached = {
                    tp: int(at) for tp in consumer.assignment() if (at := consumer.position(tp)) is not None
                }
                if further := {tp: _at(at) for tp, at in reached.items() if at != done.get(tp)}:
                    consumer.commit(further)
                done = reached
                self._well_s = time.monotonic()

    def _forward(self, tp: TopicPartition, records: Sequence[Any], to: Mapping[str, Producer]) -> None:
        """Send records of an old partition on, and wait until they have arrived.

        Raises:
            VigilError: one has not.
        """
        old, new = self._hops[tp.topic]
        producer = to[new.topic(READINGS)]
        keys = [record.key for record in records]
        places = destinations(keys, tp.partition, old.reading_partitions, new.reading_partitions)
        until_s = time.monotonic() + FORWARDED.delivery_s
        for record, chosen in zip(records, places, strict=True):
            for place in chosen:
                while producer.send(record.key, record.value, place, headers=record.headers) is None:
                    if time.monotonic() > until_s:
                        raise VigilError("a record was not sent: the broker does not say where its topic is")
                    time.sleep(SETTLE_POLL_S)
                self.forwarded += 1
        while producer.in_flight:
            time.sleep(SETTLE_POLL_S)
        if producer.failed:
            raise VigilError(f"a record was not forwarded: {producer.last_error}")


def _at(offset: int) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, "", -1)
