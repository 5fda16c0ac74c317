"""The spool before the door: senders beside each other, large records, senders that are gone, disks that fail."""

import asyncio
import json
import logging
import os

import msgspec
from gateway_world import ANYBODY, RecordingDoor
from vital_world import in_loop, until

from edge.gateway.accept import Sender
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.spool import Spool
from edge.gateway.spooled import FRAMES_AT_ONCE, RECORDS_AT_ONCE, SPOOL_FULL, SpooledDoor
from streams.decoding.wire_frames import WireBound, WireFrame, frame_with
from streams.errors import Busy

HERE = Sender("here", ("*",))


def frame(device="d", seq=0):
    return WireFrame("", device, 0, seq, 1_000 + seq, 1_000, hr=70.0)


class World:
    """A spool, a door and what is counted."""

    def __init__(self, folder, door=None, named=lambda name: ANYBODY):
        self.door, self.metrics = door or RecordingDoor(), GatewayMetrics()
        self.spool = Spool(folder, 1 << 20)
        self.spooled = SpooledDoor(self.spool, self.door, named, self.metrics.protocol("sdc"))

    def refused(self, reason):
        labels = {"protocol": "sdc", "reason": reason}
        return self.metrics.registry.get_sample_value("vigil_gateway_refused_total", labels) or 0


class SmallDoor(RecordingDoor):
    """One that takes no more in one call than may be on its way at all."""

    async def readings(self, sender, readings, wait_s=None):
        if len(readings) > FRAMES_AT_ONCE:
            raise Busy("more than there is room for", 1)
        return await super().readings(sender, readings, wait_s)


@in_loop
async def test_senders_wait_for_kafka_beside_each_other(tmp_path):
    world = World(tmp_path)
    world.door.hold = asyncio.Event()
    for number in range(RECORDS_AT_ONCE):
        assert world.spooled.put(Sender(f"s{number % 8}", ("*",)), [frame(seq=number)]) is None
    world.spooled.start()
    await until(lambda: len(world.door.senders) == 8, "a call of each sender")
    world.door.hold.set()
    await until(lambda: world.spool.records == 0, "all to be through")
    assert len(world.door.senders) == 8
    for first in range(8):
        seqs = [one.frame.seq for one in world.door.given if one.frame.seq % 8 == first]
        assert seqs == list(range(first, RECORDS_AT_ONCE, 8))
    await world.spooled.stop()


@in_loop
async def test_what_is_larger_than_the_doors_room_goes_through_it_in_parts(tmp_path):
    world = World(tmp_path, SmallDoor())
    frames = [frame(seq=number) for number in range(2 * FRAMES_AT_ONCE + 7)]
    assert world.spooled.put(HERE, frames) is None
    world.spooled.start()
    await until(lambda: world.spool.records == 0, "all to be through")
    assert [one.frame.seq for one in world.door.given] == list(range(len(frames)))
    await world.spooled.stop()


@in_loop
async def test_each_reading_of_a_sender_that_is_gone_is_counted(tmp_path):
    world = World(tmp_path, named=lambda name: None if name == "gone" else ANYBODY)
    for sender in (Sender("gone", ("*",)), HERE):
        assert world.spooled.put(sender, [frame(seq=number) for number in range(5)]) is None
    world.spooled.start()
    await until(lambda: world.spool.records == 0, "all to be through")
    assert (world.refused("unknown-sender"), len(world.door.given)) == (5, 5)
    await world.spooled.stop()


@in_loop
async def test_a_bound_outlives_the_spool_of_a_former_process(tmp_path):
    bounded = frame_with("", "d", 0, 2, 2_000, 1_000, {"spo2": WireBound("<", 40.0), "hr": 70.0})
    former = World(tmp_path)
    assert former.spooled.put(HERE, [frame(seq=1), bounded]) is None
    await former.spooled.stop()
    world = World(tmp_path)
    world.spooled.start()
    await until(lambda: world.spool.records == 0, "all to be through")
    plain, kept = (one.frame for one in world.door.given)
    assert kept == bounded
    written = json.loads(msgspec.json.encode(kept))
    assert (written["spo2"], written["bounds"]) == (None, {"spo2": {"comparator": "<", "value": 40.0}})
    assert msgspec.json.encode(plain) == msgspec.json.encode(frame(seq=1))
    await world.spooled.stop()


def refuse(*_):
    raise OSError(5, "Input/output error")


@in_loop
async def test_readings_go_on_where_the_disk_does_not_note_what_is_done(tmp_path, monkeypatch, caplog):
    world = World(tmp_path)
    world.spooled.start()
    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", refuse)
        for number in range(3):
            assert world.spooled.put(HERE, [frame(seq=number)]) is None
            await until(lambda: world.spool.records == 0, "it to be through")
    assert world.spooled.put(HERE, [frame(seq=3)]) is None
    await until(lambda: len(world.door.given) == 4, "what comes after it")
    assert [record.getMessage() for record in caplog.records] == [
        "spool: the disk does not note what is done: Input/output error"
    ]
    await world.spooled.stop()


@in_loop
async def test_a_disk_that_takes_nothing_is_told_once_until_it_takes_again(tmp_path, monkeypatch, caplog):
    world = World(tmp_path)
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", refuse)
            assert world.spooled.put(HERE, [frame()]) is SPOOL_FULL
            assert world.spooled.put(HERE, [frame()]) is SPOOL_FULL
        assert world.spooled.put(HERE, [frame()]) is None
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    await world.spooled.stop()


@in_loop
async def test_a_disk_that_does_not_sync_at_the_end_holds_up_no_other_door(tmp_path, monkeypatch):
    world = World(tmp_path)
    world.spooled.start()
    monkeypatch.setattr(os, "fsync", refuse)
    await world.spooled.stop()


@in_loop
async def test_a_device_that_was_not_heard_while_there_was_no_process_is_a_gap_counted_once(tmp_path):
    former = World(tmp_path)
    former.spooled.start()
    assert former.spooled.put(HERE, [frame("away", 0), frame("soon", 0)]) is None
    await until(lambda: former.spool.records == 0, "all to be through")
    await former.spooled.stop()
    world = World(tmp_path)
    world.spooled.start()
    for seq in (30_000, 60_000):
        assert world.spooled.put(HERE, [frame("away", seq), frame("new", seq)]) is None
    assert world.spooled.put(HERE, [frame("soon", 5_000)]) is None
    labels = {"protocol": "sdc", "kind": "time"}
    assert world.metrics.registry.get_sample_value("vigil_gateway_gaps_total", labels) == 1
    await world.spooled.stop()
