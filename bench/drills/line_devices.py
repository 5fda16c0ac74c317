"""Devices whose protocol does not bring them Kafka's acknowledgement: MQTT behind a broker, and Vital Recorder.

What counts as taken: of MQTT what the broker has acknowledged, for it keeps that until the gateway has; of Vital
Recorder what the gateway had in its spool. It handles the events of a connection one after the other, so its answer to
a payload that it refuses says that the one before is on its disk.
"""

import asyncio
import contextlib
import json
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
import paho.mqtt.client as mqtt
import socketio
from paho.mqtt.enums import CallbackAPIVersion

from bench.drills.device_ledger import DeviceLedger, measured
from bench.drills.device_lines import ANSWER_S_MAX, WAITING_MAX, Frame, Line, frame_json

EVERY_S: Final = 0.1
"""Between two payloads of what was due."""

TAKEN_S_MAX: Final = 5.0
ROOM_CODE: Final = "DRILL"


class MqttLine(Line):
    """One connection to the broker, QoS 1; the broker is not killed."""

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger, numbered: bool) -> None:
        super().__init__(ports, ledger)
        self._numbered = numbered
        self._loop = asyncio.get_running_loop()
        self._under_way: dict[int, Frame] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.on_publish = self._published
        self._client.connect("127.0.0.1", self.port)
        self._client.loop_start()

    def plan(self, frame: Frame) -> None:
        """Publish a frame."""
        self._ledger.send(frame.device, frame.event_ts_ms)
        topic = f"vitals/{frame.device}/frames"
        info = self._client.publish(topic, frame_json(frame, self._numbered), qos=1)
        self._under_way[info.mid] = frame

    async def run(self) -> None:
        """Send until closed and all is acknowledged."""
        while self._under_way or not self.closing:  # noqa: ASYNC110
            await asyncio.sleep(EVERY_S)
        self._client.disconnect()
        self._client.loop_stop()

    def _published(self, _client: Any, _data: Any, mid: int, *_: Any) -> None:
        self._loop.call_soon_threadsafe(self._acknowledged, mid)

    def _acknowledged(self, mid: int) -> None:
        frame = self._under_way.pop(mid)
        self._ledger.answer("PUBACK")
        self._ledger.acknowledge(frame.device, frame.event_ts_ms)


class VitalLine(Line):
    """A Vital Recorder that sends the older form, which has times of a ms; what is due while it is away is gone."""

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger) -> None:
        super().__init__(ports, ledger)
        self._due: deque[Frame] = deque(maxlen=WAITING_MAX)
        self._refused = asyncio.Event()

    def plan(self, frame: Frame) -> None:
        """Have a frame sent with the next payload, if there is a connection then."""
        self._due.append(frame)

    async def run(self) -> None:
        """Send until closed."""
        while not self.closing:
            with contextlib.suppress(socketio.exceptions.SocketIOError, aiohttp.ClientError, TimeoutError):
                await self._talk()
            if not self.closing:
                await self.turn()

    async def _talk(self) -> None:
        async with aiohttp.ClientSession() as session:
            client = socketio.AsyncClient(reconnection=False, http_session=session)
            client.on("refused", self._told)
            async with asyncio.timeout(ANSWER_S_MAX):
                await client.connect(f"http://127.0.0.1:{self.port}", transports=["websocket"])
                await client.emit("join_vr", ROOM_CODE)
            try:
                self._due.clear()
                while not self.closing and client.connected:
                    await asyncio.sleep(EVERY_S)
                    await self._send(client)
            finally:
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(TAKEN_S_MAX):
                        await client.disconnect()

    async def _send(self, client: Any) -> None:
        frames = [self._due.popleft() for _ in range(len(self._due))]
        if not frames:
            return
        for frame in frames:
            self._ledger.send(frame.device, frame.event_ts_ms)
        self._refused.clear()
        await client.emit("send_data", _payload(frames))
        await client.emit("send_data", "what came before is taken when this is refused")
        async with asyncio.timeout(TAKEN_S_MAX):
            await self._refused.wait()
        for frame in frames:
            self._ledger.acknowledge(frame.device, frame.event_ts_ms)

    def _told(self, said: dict[str, str]) -> None:
        self._ledger.answer(said["reason"])
        if said["reason"] == "unknown-form":
            self._refused.set()


def _payload(frames: list[Frame]) -> bytes:
    rooms: dict[str, dict[str, list[dict[str, float]]]] = {}
    for frame in frames:
        hr, spo2 = measured(frame.event_ts_ms)
        tracks = rooms.setdefault(frame.device, {"ECG_HR": [], "PLETH_SPO2": []})
        tracks["ECG_HR"].append({"dt": frame.event_ts_ms, "val": hr})
        tracks["PLETH_SPO2"].append({"dt": frame.event_ts_ms, "val": spo2})
    made = [
        {
            "roomname": name,
            "trks": [{"name": one, "montype": one, "type": "num", "recs": recs} for one, recs in own.items()],
        }
        for name, own in rooms.items()
    ]
    return zlib.compress(json.dumps({"vrcode": ROOM_CODE, "rooms": made}).encode())
