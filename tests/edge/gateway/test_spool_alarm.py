"""A spool that gave up readings is an alarm: told when Kafka takes it, ended when it has caught up, also by another."""

import asyncio
import json

import pytest
from gateway_world import ANYBODY, RecordingDoor
from vital_world import in_loop, until

from edge.gateway import spool_alarm
from edge.gateway.accept import Sender
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.spool import Spool
from edge.gateway.spool_alarm import SpoolAlarm
from edge.gateway.spooled import SPOOL_FULL, SpooledDoor
from streams.decoding.wire_frames import WireFrame
from streams.errors import NotStored

HERE = Sender("here", ("*",))
SMALL_BYTES = 40_000


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(spool_alarm, "LOOK_S", 0.01)


class World:
    """A small spool whose door waits for `open_door`, with a clock and an alarm."""

    def __init__(self, folder, host="host"):
        self.door, self.now_ms, self.told, self.refusals = RecordingDoor(), 1_000_000, [], []
        self.spool = Spool(folder / "sdc", SMALL_BYTES)
        alarm = SpoolAlarm(self.spool.folder / "full", f"{host}/sdc", self._tell, lambda: self.now_ms)
        counted = GatewayMetrics().protocol("sdc")
        self.spooled = SpooledDoor(self.spool, self.door, lambda name: ANYBODY, counted, alarm)
        self.door.hold = asyncio.Event()
        self.spooled.start()

    async def _tell(self, alert):
        if self.refusals:
            raise self.refusals.pop()
        self.told.append((alert.patient, alert.rule, alert.phase, alert.onset_ts_ms, alert.id))
        json.loads(alert.model_dump_json())

    def fill(self, seqs=range(1_000)):
        for seq in seqs:
            self.spooled.put(HERE, [WireFrame("", "d", 0, seq, 1_000 + seq, 1_000, hr=70.0)])


@in_loop
async def test_a_full_spool_is_told_once_and_its_end_when_all_is_in_kafka_and_it_was_quiet(tmp_path):
    world = World(tmp_path)
    world.refusals = [NotStored("away")] * 2
    world.fill()
    world.now_ms += 5_000
    world.fill(range(1_000, 1_500))
    await until(lambda: world.told, "the alarm")
    world.door.hold.set()
    await until(lambda: world.spool.records == 0, "all to be through")
    await asyncio.sleep(0.1)
    assert [one[:4] for one in world.told] == [("~spool/host/sdc", "spool-full", "start", 1_000_000)]
    world.now_ms += 61_000
    await until(lambda: len(world.told) == 2, "its end")
    assert [one[2:4] for one in world.told] == [("start", 1_000_000), ("end", 1_000_000)]
    assert not (world.spool.folder / "full").exists()
    await world.spooled.stop()


@in_loop
async def test_what_is_lost_while_kafka_takes_no_end_is_another_alarm(tmp_path):
    world = World(tmp_path)
    world.fill()
    await until(lambda: world.told, "the alarm")
    world.door.hold.set()
    await until(lambda: world.spool.records == 0, "all to be through")
    world.refusals = away = [NotStored("away")] * 1_000
    world.door.hold.clear()
    world.now_ms += 61_000
    await until(lambda: len(away) < 1_000, "its end to be tried")
    world.now_ms += 1_000
    world.fill()
    away.clear()
    await until(lambda: len(world.told) == 3, "the next alarm")
    assert [one[2:4] for one in world.told] == [
        ("start", 1_000_000),
        ("end", 1_000_000),
        ("start", 1_062_000),
    ]
    assert (world.spool.folder / "full").read_text() == "1062000 host/sdc"
    await world.spooled.stop()


@in_loop
async def test_what_one_process_began_another_tells_under_the_same_id_and_ends(tmp_path):
    former = World(tmp_path)
    former.fill()
    await until(lambda: former.told, "the alarm")
    await former.spooled.stop()
    world = World(tmp_path)
    world.now_ms += 120_000
    world.door.hold.set()
    await until(lambda: len(world.told) == 2, "its end")
    assert world.told[0] == former.told[0]
    assert world.told[1][2] == "end"
    await world.spooled.stop()


@in_loop
async def test_a_container_of_another_name_ends_what_the_former_one_began_and_begins_its_own(tmp_path):
    former = World(tmp_path, "old")
    former.fill()
    await until(lambda: former.told, "the alarm")
    await former.spooled.stop()
    world = World(tmp_path, "new")
    world.now_ms += 120_000
    world.door.hold.set()
    await until(lambda: len(world.told) == 2, "its end")
    assert [one[0] for one in world.told] == ["~spool/old/sdc"] * 2
    assert world.told[1][2] == "end"
    world.door.hold.clear()
    world.fill()
    await until(lambda: len(world.told) == 3, "its own alarm")
    assert world.told[2][0] == "~spool/new/sdc"
    await world.spooled.stop()


@in_loop
async def test_a_fault_in_telling_silences_no_alarm(tmp_path):
    world = World(tmp_path)
    world.refusals = [RuntimeError("ours")]
    world.fill()
    await until(lambda: world.told, "the alarm")
    await world.spooled.stop()


@in_loop
async def test_a_disk_that_takes_nothing_is_the_same_alarm(tmp_path, monkeypatch):
    world = World(tmp_path)

    def full(record):
        raise OSError(28, "full")

    monkeypatch.setattr(world.spool, "add", full)
    assert world.spooled.put(HERE, [WireFrame("", "d", 0, 1, 1_000, 1_000, hr=70.0)]) == SPOOL_FULL
    await until(lambda: world.told, "the alarm")
    await world.spooled.stop()


@in_loop
async def test_a_spool_with_room_says_nothing(tmp_path):
    world = World(tmp_path)
    world.door.hold.set()
    world.fill(range(20))
    await until(lambda: world.spool.records == 0, "all to be through")
    assert world.told == []
    await world.spooled.stop()
