"""Readings that nobody acknowledges: kept until the door has them, in their order, within a bound."""

import asyncio

import pytest
from sdc_world import ANYBODY, KeepingDoor

from edge.gateway.accept import Reading
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.sdc.holding import Full, MemoryHolding
from streams.decoding.wire_frames import WireFrame
from streams.errors import Busy, NotStored


def reading(seq):
    return Reading(WireFrame("p", "d", 0, seq, 1))


def held(door, readings_max=100):
    return MemoryHolding(door, GatewayMetrics().protocol("sdc"), readings_max)


def test_what_the_door_does_not_take_is_brought_again_in_its_order():
    async def run():
        door = KeepingDoor()
        door.raises = [Busy("no room", 0.0), NotStored("nobody knows")]
        holding = held(door)
        for seq in range(5):
            holding.put(ANYBODY, reading(seq))
        running = asyncio.create_task(holding.run())
        assert await holding.flush(10) == 0
        running.cancel()
        assert [frame.seq for frame in door.frames] == [0, 1, 2, 3, 4]

    asyncio.run(run())


def test_beyond_its_bound_it_is_full():
    async def run():
        holding = held(KeepingDoor(), readings_max=1)
        holding.put(ANYBODY, reading(1))
        with pytest.raises(Full):
            holding.put(ANYBODY, reading(2))
        assert await holding.flush(0.01) == 1

    asyncio.run(run())
