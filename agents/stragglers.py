"""Forwards what is still written to a generation of the readings that is no more judged to the next one, in its order.

A writer that knows of no other generation goes on as before and loses nothing; it costs a hop. Each worker has a thread
for it, and the old partitions are shared out among those by a group of their own. It began at the cuts, up to which the
old generation was judged (`agents.splitting`). An offset is committed when what lies before it has arrived: after a
death a stretch may come twice, at most `REPEATS_MAX` frames of one patient, whom the judge knows as repeats.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from streams.config.settings import Settings
from streams.contracts.frame import OWN_STREAM, TICK_KEY
from streams.contracts.layout import Layout
from streams.contracts.origin import Origin, with_origin
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.partition_names import canary_name
from streams.contracts.partitions import partitions_of
from streams.contracts.topics import READINGS
from streams.kafka.forwarding import Copy, forwarding
from streams.kafka.hop_ends import forwarding_group
from streams.kafka.layout_log import in_generation
from streams.kafka.publisher import fail_stop
from tables.device_rows import SEEN

REPEATS_MAX: Final = SEEN - 28
"""Frames of one patient between two commits: the judge remembers `SEEN` numbers of a device."""

VALUE_BYTES_MAX: Final = 900_000
"""Of what is forwarded: beyond all that anybody of us writes, and what a topic takes with key and headers."""

AGAIN_S: Final = 0.5
FAILING_S_MAX: Final = 60.0
"""For so long nothing could be forwarded: the process ends, and another may do better."""

END_S_MAX: Final = 2.0

logger = logging.getLogger(__name__)


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


def turns(found: Mapping[Any, Sequence[Any]]) -> Iterator[dict[Any, Sequence[Any]]]:
    """Yield what is forwarded side by side: the next stretch of each partition, as long as there is one."""
    for each in zip_longest(*map(stretches, found.values())):
        yield {tp: stretch for tp, stretch in zip(found, each, strict=True) if stretch is not None}


def _cut(value: bytes | None) -> bytes | None:
    """Return a value that the next topic takes: what is larger (compressed, it may be) is a dead letter anyway."""
    return value if value is None or len(value) <= VALUE_BYTES_MAX else value[:VALUE_BYTES_MAX]


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
                asyncio.run(self._forward_all())
            except Exception as error:  # the brokers are away, or what another attempt may mend
                logger.warning("readings of a former generation cannot be forwarded at the moment: %r", error)
                if time.monotonic() - self._well_s > FAILING_S_MAX:
                    fail_stop(
                        f"readings of a former generation were not forwarded for {FAILING_S_MAX:g} s: {error!r}"
                    )
            self._ending.wait(AGAIN_S)

    async def _forward_all(self) -> None:
        group, done = forwarding_group(self._settings), dict[Any, int]()
        async with forwarding(self._settings, group, sorted(self._hops)) as through:
            while not self._ending.is_set():
                async with through.taken() as found:
                    for turn in turns(found):
                        await through.send(self._sent_on(turn))
                        done |= {tp: records[-1].offset + 1 for tp, records in turn.items()}
                        await through.commit({tp: done[tp] for tp in turn})
                    reached = await through.positions()
                    if further := {tp: at for tp, at in reached.items() if at != done.get(tp)}:
                        await through.commit(further)
                    done = reached
                self._well_s = time.monotonic()

    def _sent_on(self, turn: Mapping[Any, Sequence[Any]]) -> Iterator[tuple[str, int, Copy]]:
        """Yield where each record of old partitions goes, in their order."""
        for tp, records in turn.items():
            old, new = self._hops[tp.topic]
            topic, keys = new.topic(READINGS), [record.key for record in records]
            places = destinations(keys, tp.partition, old.reading_partitions, new.reading_partitions)
            for record, chosen in zip(records, places, strict=True):
                origin = Origin(old.generation, tp.partition, record.offset)
                copy = Copy(record.key, _cut(record.value), with_origin(record.headers, origin))
                for place in chosen:
                    self.forwarded += 1
                    yield topic, place, copy
