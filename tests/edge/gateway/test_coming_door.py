"""Before Kafka is there: what a spool takes waits for the door, and a gateway that finds no broker takes it in."""

import asyncio
import signal
import socket
import sys

import aiohttp
import pytest
import socketio
from gateway_world import ANYBODY, RecordingDoor
from vital_world import in_loop, room, rooms_payload, until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway import process
from edge.gateway.accept import Reading
from edge.gateway.coming_door import ComingDoor
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.layout import first_layout
from streams.decoding.wire_frames import WireFrame
from streams.errors import Busy, UsageError

STOP_S = 10.0
START_S = 60.0


@in_loop
async def test_a_door_is_busy_until_it_has_come_and_then_takes_all():
    coming = asyncio.get_running_loop().create_future()
    door, kafka = ComingDoor(coming), RecordingDoor()
    reading = Reading(WireFrame("", "d", 0, 1, 1_000, 1_000, hr=70.0))
    for asked in (door.readings(ANYBODY, [reading]), door.store("alerts", b"k", b"v")):
        with pytest.raises(Busy):
            await asked
    coming.set_result(kafka)
    assert await door.readings(ANYBODY, [reading]) == [None]
    await door.store("alerts", b"k", b"v")
    assert (kafka.given, kafka.stored) == ([reading], [("alerts", b"k", b"v")])


class Ending:
    """A part of a gateway that notes when it ends."""

    def __init__(self, name, ended):
        self._name, self._ended, self.filing = name, ended, None

    async def start(self, *_):
        pass

    async def partitions(self, topic):
        return 1

    async def stop(self):
        await asyncio.sleep(0)
        self._ended.append(self._name)

    def close(self):
        self._ended.append(self._name)


@in_loop
async def test_a_gateway_that_fails_behind_kafka_ends_its_ports_first_too(tmp_path, monkeypatch):
    ended = []
    for part in ("Link", "View", "Scaled"):
        monkeypatch.setattr(process, part, lambda *_: Ending("kafka", ended))
    monkeypatch.setattr(process, "spooled_of", lambda parts: ([("sdc", 1, Ending("port", ended))], []))
    monkeypatch.setattr(process, "read_layout", lambda settings: first_layout(settings.group))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(data_dir=tmp_path, gateway_sdc_interface="127.0.0.1", gateway_metrics_port=port)
        with pytest.raises(UsageError, match="gateway_metrics_port"):
            await process.serve(settings, asyncio.Event(), asyncio.Event())
    assert ended == ["port", "kafka", "kafka", "kafka"]


async def sent(port, payload):
    """Send a payload of Vital Recorder, and return when the gateway has it: it answers the next in its order."""
    refused = asyncio.Event()
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        client.on("refused", lambda said: refused.set())
        await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"])
        for event, content in (("join_vr", "WARD3"), ("send_data", payload), ("send_data", "text")):
            await client.emit(event, content)
        async with asyncio.timeout(STOP_S):
            await refused.wait()
        await client.disconnect()


@in_loop
async def test_a_gateway_that_finds_no_broker_has_what_vital_recorder_sends_on_its_disk(tmp_path):
    settings = Settings(
        brokers=f"127.0.0.1:{free_port()}",
        data_dir=tmp_path,
        gateway_vital_recorder_port=free_port(),
        gateway_metrics_port=0,
    )
    with (tmp_path / "log").open("wb") as log:
        gateway = spawn([sys.executable, "-P", "-m", "edge", "gateway"], log, worker_environment(settings))
    try:
        record = {"dt": 1_790_000_000, "val": 72}
        payload = rooms_payload(room(("HR", "ECG_HR", "num", "/min", [record])))

        async def is_taken():
            try:
                await sent(settings.gateway_vital_recorder_port, payload)
            except (socketio.exceptions.ConnectionError, aiohttp.ClientError):
                assert gateway.poll() is None, (tmp_path / "log").read_text()
                return False
            return True

        async with asyncio.timeout(START_S):
            while not await is_taken():  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        spool = tmp_path / "spool" / "vital_recorder"
        assert any(b"BED-1" in one.read_bytes() for one in spool.glob("*.spool"))
        gateway.send_signal(signal.SIGTERM)
        await until(lambda: gateway.poll() is not None, "the gateway to end")
        assert gateway.returncode == 0, (tmp_path / "log").read_text()
    finally:
        stop(gateway, STOP_S)
