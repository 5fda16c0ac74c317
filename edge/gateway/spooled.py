"""Frames by way of the spool into the door: for protocols whose senders hear no acknowledgement and never resend."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final, cast

import msgspec

from edge.gateway.accept import Door, Reading, Refusal, Sender
from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.spool import Lost, Spool
from edge.gateway.spool_alarm import SpoolAlarm
from edge.gateway.wire_losses import is_gap
from streams.decoding.wire_frames import BoundedFrame, WireFrame
from streams.errors import Busy, NotStored

SYNC_S: Final = 0.25
"""So much is lost at most where the power fails; where only the process ends, nothing is."""

RECORDS_AT_ONCE: Final = 64
FRAMES_AT_ONCE: Final = 1_000
"""Of one sender through the door: a call that is larger than all that may be on its way is told to wait forever."""

RETRY_S: Final = 1.0
"""Until what Kafka has not taken is tried again; it waits in the spool, which is bounded."""

SPOOL_FULL: Final = Refusal("spool", "the disk does not take it")

logger = logging.getLogger(__name__)


class Kept(msgspec.Struct, array_like=True):
    """A record of the spool: the sender's name, and its frames."""

    sender: str
    frames: list[BoundedFrame]


_encode: Final = msgspec.json.Encoder().encode
decode_kept: Final = msgspec.json.Decoder(Kept).decode


def last_heard(records: Sequence[bytes]) -> dict[str, int]:
    """Return the newest time (ms) of each device in records of a spool; what cannot be read is passed over."""
    found: dict[str, int] = {}
    for record in records:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            for frame in decode_kept(record).frames:
                found[frame.device] = max(frame.event_ts_ms, found.get(frame.device, 0))
    return found


class SpooledDoor:
    """Keeps frames on disk until the door has them; those of a sender go through it in their order.

    What was taken by the door and not yet noted when the process ended goes through it again: it is the same reading.

    Args:
        spool: of this protocol alone.
        door: the way into Kafka.
        sender_named: returns a sender by its name, None where it has none any more.
        counted: counts.
        alarm: tells where readings are given up; none = it is only counted.
    """

    def __init__(
        self,
        spool: Spool,
        door: Door,
        sender_named: Callable[[str], Sender | None],
        counted: ProtocolMetrics,
        alarm: SpoolAlarm | None = None,
    ) -> None:
        self._alarm = alarm
        self._spool, self._door, self._sender_named, self._counted = spool, door, sender_named, counted
        self._told = Lost(0, 0)
        self._heard_before: dict[str, int] = {}
        self._came = asyncio.Event()
        self._dirty = False
        self._disk_faults: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        counted.watch_spool(lambda: spool.records, lambda: spool.size_bytes)

    def start(self) -> None:
        """Begin with what a former process has left."""
        self._tell_losses()
        self._heard_before = last_heard(self._spool.newest_left)
        self._spool.newest_left = []
        self._tasks = [asyncio.create_task(self._drain()), asyncio.create_task(self._sync())]
        if self._alarm is not None:
            self._tasks.append(asyncio.create_task(self._alarm.run(self._has_caught_up)))

    async def stop(self) -> None:
        """Stop; what is not through stays on disk."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with self._on_disk("does not sync"):
            await asyncio.to_thread(self._spool.close)

    def put(self, sender: Sender, frames: Sequence[WireFrame]) -> Refusal | None:
        """Keep frames; None = the end of this process loses none of them, else nothing is certain."""
        self._tell_how_long_away(frames)
        record = _encode(Kept(sender.name, cast(list[BoundedFrame], list(frames))))
        if len(record) > self._spool.record_bytes_max and len(frames) > 1:
            half = len(frames) // 2
            return self.put(sender, frames[:half]) or self.put(sender, frames[half:])
        kept = False
        with self._on_disk("takes nothing: what comes is lost"):
            kept = self._add(record)
        if not kept:
            self._give_alarm()
            return SPOOL_FULL
        self._dirty = True
        self._came.set()
        self._tell_losses()
        return None

    def _give_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.given_up()

    def _has_caught_up(self) -> bool:
        return self._spool.records <= RECORDS_AT_ONCE

    def _add(self, record: bytes) -> bool:
        self._spool.add(record)
        return True

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            if self._dirty:
                self._dirty = False
                with self._on_disk("does not sync"):
                    await asyncio.to_thread(self._spool.sync)

    async def _drain(self) -> None:
        while True:
            self._came.clear()
            batch = self._spool.first(RECORDS_AT_ONCE)
            if not batch.records:
                await self._came.wait()
                continue
            of: dict[str, list[WireFrame]] = {}
            for kept in map(self._kept, batch.records):
                of.setdefault(kept.sender, []).extend(kept.frames)
            # Beside each other: a hundred senders in turn would wait for Kafka a hundred times.
            await asyncio.gather(*(self._all_through(name, frames) for name, frames in of.items()))
            with self._on_disk("does not note what is done"):  # the next process reads it again
                self._spool.done(batch.end)
            self._tell_losses()

    async def _all_through(self, name: str, frames: list[WireFrame]) -> None:
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            await self._through(name, frames[start : start + FRAMES_AT_ONCE])

    def _kept(self, record: bytes) -> Kept:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            return decode_kept(record)
        self._counted.refused("spool-unreadable")
        return Kept("", [])

    async def _through(self, name: str, frames: list[WireFrame]) -> None:
        """Have the door take a sender's frames, however long it takes."""
        loop = asyncio.get_running_loop()
        # The door writes into a frame whom it filed it under; another try must know whom the sender named.
        named = [frame.patient for frame in frames]
        while True:
            began_s = loop.time()
            sender = self._sender_named(name)
            if sender is None:
                self._counted.refused("unknown-sender", len(frames))
                return
            for frame, patient in zip(frames, named, strict=True):
                frame.patient = patient
            try:
                results = await self._door.readings(sender, [Reading(frame) for frame in frames])
            except (Busy, NotStored):
                await asyncio.sleep(RETRY_S)
                continue
            except Exception as error:  # a fault of ours in one record must not hold up all that follow
                logger.error("spool: frames could not be stored: %s", type(error).__name__)
                self._counted.refused("internal", len(frames))
                return
            self._counted.answered(results, loop.time() - began_s)
            return

    @contextlib.contextmanager
    def _on_disk(self, fault: str) -> Iterator[None]:
        """Go on where the disk fails; it is told once, until the disk has done the same."""
        try:
            yield
        except OSError as error:
            if fault not in self._disk_faults:
                self._disk_faults.add(fault)
                logger.error("spool: the disk %s: %s", fault, error.strerror)
        else:
            self._disk_faults.discard(fault)

    def _tell_how_long_away(self, frames: Sequence[WireFrame]) -> None:
        """Count devices that were not heard while there was no process, once each: nobody else remembers them."""
        for frame in frames if self._heard_before else ():
            last_ms = self._heard_before.pop(frame.device, None)
            if last_ms is not None and is_gap(last_ms, frame):
                self._counted.gaps("time", 1)

    def _tell_losses(self) -> None:
        lost = self._spool.lost
        if lost.records > self._told.records:
            logger.error("the spool was full, or its disk lost some: its oldest records were given up")
            self._counted.gaps("spool", lost.records - self._told.records)
            self._give_alarm()
        if lost.unreadable_bytes > self._told.unreadable_bytes:
            logger.error("the spool's end was cut off or damaged: %d bytes", lost.unreadable_bytes)
            self._counted.gaps("unreadable", 1)
        self._told = Lost(lost.records, lost.unreadable_bytes)
