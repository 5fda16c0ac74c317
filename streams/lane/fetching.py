"""The part of Faust's consumer that talks to the brokers: what a fetch brings, as blocks, and what it cannot open."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, Final

import aiokafka
from faust.types import TP

from streams.lane.client_pauses import ClientPauses
from streams.lane.fetch_requests import hold_empty_fetches
from streams.lane.lane import Fetched
from streams.lane.one_loop import LoopConsumer
from streams.lane.seam import install

REBALANCING_HOLD_MS: Final = 5
"""How long the broker holds an empty fetch until all partitions are judged. A node answers one request at a time: the
last fetch for the changelogs, which brings nothing, would hold up the readings for as long as that, and the questions
for offsets, too, without which nobody knows where judging goes on."""

STATE_TRIES_MAX: Final = 4
"""Tries to open a batch of the changelog, 3.5 s in all: meanwhile its partition is not judged, and the worker does
nothing of what waits for all partitions."""


class FetchingConsumer(LoopConsumer):
    """Faust's consumer with our bound on how long the broker holds an empty fetch (Faust fixes 1.5 s)."""

    rewinds = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pauses = ClientPauses()

    async def on_start(self) -> None:
        """Connect, and change what the client has made for that."""
        await super().on_start()
        self._install(self._ensure_consumer())

    async def _fetch_records(self, consumer: aiokafka.AIOKafkaConsumer, *args: Any, **kwargs: Any) -> Fetched:
        lane = self.transport.lane
        hold_empty_fetches(consumer, REBALANCING_HOLD_MS if self.app.rebalancing else lane.fetch_wait_ms)
        self._pauses.follow(consumer, self.consumer._paused_partitions | lane.faults.resting())
        fetched = Fetched(await super()._fetch_records(consumer, *args, **kwargs))
        for tp, stretches in fetched.items():
            if tp.topic in lane.in_blocks:
                (fetched[tp],) = stretches
                lane.faults.read(tp, fetched[tp].end)
        fetched.rewinds = self.rewinds
        return fetched

    def _note_fault(self, tp: TP, offset: int, error: Exception) -> None:
        """Let a fault of the log stop its partition; a state is given up after some tries.

        Commands, wards and the partition itself wait for it. A recovery ends where the changelog does, so it is told
        that it is there.
        """
        lane, recovery = self.transport.lane, self.app.tables.recovery
        tries = lane.faults.cannot_open(tp, offset, error)
        # At once: who waits for records would be sent the same batch again, as often as the broker can.
        self._pauses.pause(self._ensure_consumer(), tp)
        if tp.topic in lane.changelogs and tries >= STATE_TRIES_MAX and tp in recovery.active_highwaters:
            for reader in self.transport.readers.values():
                reader.give_up(tp.partition)
            recovery.active_offsets[tp] = recovery.active_highwaters[tp]

    async def _seek_wait(self, consumer: aiokafka.AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self.rewinds += 1  # first: nothing is fetched between this and the seek, which waits for nothing
        await super()._seek_wait(consumer, partitions)

    async def seek_to_committed(self, tps: Collection[TP]) -> dict[TP, int | None]:
        """Seek partitions to what is committed, and return that; Faust asks for one after the other."""
        consumer = self._ensure_consumer()
        committed = dict(zip(tps, await asyncio.gather(*map(consumer.committed, tps)), strict=True))
        for tp, offset in committed.items():
            if offset:
                consumer.seek(tp, offset)
        return committed

    def stable_end(self, tp: TP) -> int | None:
        """Return the last stable offset of a partition as the broker said with what it sent; None = not yet."""
        stable: int | None = self._ensure_consumer().last_stable_offset(tp)
        return stable

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        self._install(consumer)
        return consumer

    def _install(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        install(consumer, self.transport.lane, self.consumer.leaving, self._note_fault)
