"""Connections of careful devices to gateways, by HTTP and by HL7 over MLLP.

Frames are due on a schedule that never waits for an answer and are kept until one says that Kafka has them. What was
not acknowledged is sent again before anything newer of its device, the same bytes, to the other gateway where the
connection broke. A line is one connection, shared by the devices behind it.
"""

import asyncio
import contextlib
import json
import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import aiohttp

from bench.drills.device_ledger import DeviceLedger, measured

ANSWER_S_MAX: Final = 15.0
"""Longer than a gateway waits for Kafka: it is then taken for dead."""

CONNECT_S_MAX: Final = 3.0
RETRY_S: Final = 0.5
TURN_S: Final = 0.1
"""Before the other gateway is tried."""

WAITING_MAX: Final = 50_000
"""Frames that the devices of a line keep; beyond it nothing new is due."""

BATCH_MAX: Final = 500
"""Frames of one request."""

ACK_BYTES_MAX: Final = 65_536
_MSA: Final = re.compile(rb"\rMSA\|([AC][AER])\|([^|\r]*)")
_STORED: Final = (b"AA", b"CA")
_AGAIN: Final = (b"AE", b"CE")


class Frame(NamedTuple):
    """What a device measured at a moment, ms, and its number."""

    device: str
    event_ts_ms: int
    seq: int


class Line(ABC):
    """One connection at a time to one of several ports."""

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger) -> None:
        self._ports, self._ledger = ports, ledger
        self._tried = 0
        self.closing = False
        """Nothing more is due: the line ends when everything is acknowledged."""

    @property
    def port(self) -> int:
        """Of the gateway that is asked now."""
        return self._ports[self._tried % len(self._ports)]

    async def turn(self) -> None:
        """Go to the next gateway."""
        self._ledger.answer("none")
        self._tried += 1
        await asyncio.sleep(TURN_S)

    @abstractmethod
    def plan(self, frame: Frame) -> None:
        """Have a frame sent as soon as may be."""

    @abstractmethod
    async def run(self) -> None:
        """Send until closed and all is acknowledged."""


class PostLine(Line):
    """One request at a time of whatever is due, in a form of its own."""

    path = ""
    batch_max = BATCH_MAX
    waiting_max = WAITING_MAX

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger) -> None:
        super().__init__(ports, ledger)
        self._waiting: deque[Frame] = deque()

    def plan(self, frame: Frame) -> None:
        """Have a frame sent with the next request."""
        if len(self._waiting) < self.waiting_max:
            self._waiting.append(frame)

    async def run(self) -> None:
        """Send until closed and all is acknowledged."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_S_MAX)) as session:
            while self._waiting or not self.closing:
                if not self._waiting:
                    await asyncio.sleep(0.005)
                    continue
                frames = [self._waiting.popleft() for _ in range(min(self.batch_max, len(self._waiting)))]
                await self._deliver(session, frames)

    async def _deliver(self, session: aiohttp.ClientSession, frames: list[Frame]) -> None:
        for frame in frames:
            self._ledger.send(frame.device, frame.event_ts_ms)
        body, headers = self.request(frames)
        while not await self._is_taken(session, body, headers, len(frames)):
            self._ledger.again += len(frames)
        for frame in frames:
            self._ledger.acknowledge(frame.device, frame.event_ts_ms)

    @abstractmethod
    def request(self, frames: list[Frame]) -> tuple[bytes, dict[str, str]]:
        """Return body and headers."""

    @abstractmethod
    def has_all(self, status: int, body: bytes, count: int) -> bool:
        """Tell whether an answer says that Kafka has every frame."""

    async def _is_taken(
        self, session: aiohttp.ClientSession, body: bytes, headers: dict[str, str], count: int
    ) -> bool:
        url = f"http://127.0.0.1:{self.port}{self.path}"
        try:
            async with session.post(url, data=body, headers=headers) as answer:
                said = await answer.read()
                self._ledger.answer(str(answer.status))
        except (aiohttp.ClientError, TimeoutError, OSError):
            await self.turn()
            return False
        if self.has_all(answer.status, said, count):
            return True
        self._tried += 1  # what one gateway may still have on its way, the other gets too
        await asyncio.sleep(RETRY_S)
        return False


class HttpLine(PostLine):
    """NDJSON, or, without numbers, an array under an Idempotency-Key."""

    path = "/v1/readings"

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger, numbered: bool) -> None:
        super().__init__(ports, ledger)
        self._numbered = numbered

    def request(self, frames: list[Frame]) -> tuple[bytes, dict[str, str]]:
        """Return body and headers."""
        texts = [frame_json(frame, self._numbered) for frame in frames]
        if self._numbered:
            return b"\n".join(texts), {"Content-Type": "application/x-ndjson"}
        key = f"{frames[0].device}/{frames[0].event_ts_ms}"
        return b"[" + b",".join(texts) + b"]", {"Content-Type": "application/json", "Idempotency-Key": key}

    def has_all(self, status: int, body: bytes, count: int) -> bool:
        """Tell whether an answer says that Kafka has every frame."""
        return status == 202 and bool(json.loads(body)["accepted"] == count)


def frame_json(frame: Frame, numbered: bool) -> bytes:
    """Return a frame of the contract."""
    hr, spo2 = measured(frame.event_ts_ms)
    named = {"patient": frame.device, "device": frame.device}
    numbers = {"boot": 1, "seq": frame.seq} if numbered else {}
    rest = {"event_ts_ms": frame.event_ts_ms, "interval_ms": 1000, "hr": hr, "spo2": spo2}
    return json.dumps(named | numbers | rest, separators=(",", ":")).encode()


@dataclass(slots=True)
class _Message:
    """A message that is under way, or will be again."""

    frame: Frame
    block: bytes
    again: bool = field(default=False)


class MllpLine(Line):
    """Many messages under way, one of each device; `asks` are MSH-15 and MSH-16.

    Of every four lines two try again where they are, the others go to the next gateway where something is not stored.
    """

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger, place: int, asks: str) -> None:
        super().__init__(ports, ledger)
        self._place, self._asks = place, asks
        self._roams = place % 4 >= 2
        self._waiting: dict[str, deque[Frame]] = {}
        self._under_way: dict[bytes, _Message] = {}
        self._number = 0
        self._writer: asyncio.StreamWriter | None = None

    def plan(self, frame: Frame) -> None:
        """Have a frame sent when the one before it of its device is acknowledged."""
        waiting = self._waiting.setdefault(frame.device, deque())
        if len(waiting) < WAITING_MAX:
            waiting.append(frame)
        if len(waiting) == 1:
            self._send_next(frame.device)

    async def run(self) -> None:
        """Send until closed and all is acknowledged."""
        while not (self.closing and not any(self._waiting.values())):
            with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
                await self._talk()
            if not self.closing or any(self._waiting.values()):
                await self.turn()

    async def _talk(self) -> None:
        async with asyncio.timeout(CONNECT_S_MAX):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=ACK_BYTES_MAX)
        self._writer = writer
        try:
            for message in self._under_way.values():
                self._write(writer, message)
            for device in self._waiting:
                self._send_next(device)
            while not (self.closing and not any(self._waiting.values())):
                try:
                    async with asyncio.timeout(ANSWER_S_MAX):
                        block = await reader.readuntil(b"\x1c\r")
                except TimeoutError:
                    if self._under_way:
                        raise
                    continue
                self._answered(block, writer)
        finally:
            self._writer = None
            writer.transport.abort()

    def _send_next(self, device: str) -> None:
        """Send the oldest frame that waits of a device, unless it is under way already."""
        waiting = self._waiting[device]
        if self._writer is None or not waiting:
            return
        frame = waiting[0]
        if any(message.frame is frame for message in self._under_way.values()):
            return
        self._number += 1
        name = b"%d" % (self._place * 10_000_000 + self._number)
        name = name if self._place % 2 else b"M" + name
        message = self._under_way[name] = _Message(frame, _pcd_01(frame, name.decode(), self._asks))
        self._ledger.send(frame.device, frame.event_ts_ms)
        self._write(self._writer, message)

    def _write(self, writer: asyncio.StreamWriter, message: _Message) -> None:
        self._ledger.again += message.again
        message.again = True
        writer.write(message.block)

    def _answered(self, block: bytes, writer: asyncio.StreamWriter) -> None:
        found = _MSA.search(block)
        code, name = found.groups() if found else (b"", b"")
        message = self._under_way.get(name)
        self._ledger.answer(code.decode() if message else "to-nothing")
        if message is None:
            return
        if code in _STORED:
            frame = message.frame
            del self._under_way[name]
            self._waiting[frame.device].popleft()
            self._ledger.acknowledge(frame.device, frame.event_ts_ms)
            self._send_next(frame.device)
        elif code in _AGAIN and self._roams:
            raise ConnectionAbortedError
        elif code in _AGAIN:
            asyncio.get_running_loop().call_later(RETRY_S, self._try_again, writer, name)

    def _try_again(self, writer: asyncio.StreamWriter, name: bytes) -> None:
        message = self._under_way.get(name)
        if message is not None and writer is self._writer:  # else it goes over the next connection
            self._write(writer, message)


def _pcd_01(frame: Frame, name: str, asks: str) -> bytes:
    at_s, ms = divmod(frame.event_ts_ms, 1000)
    at = time.strftime("%Y%m%d%H%M%S", time.gmtime(at_s)) + f".{ms:03d}+0000"
    hr, spo2 = measured(frame.event_ts_ms)
    rows = (
        f"MSH|^~\\&|DRILL|WARD|VIGIL|VIGIL|{at}||ORU^R01^ORU_R01|{name}|P|2.6|||{asks}",
        f"PID|||{frame.device}^^^WARD^MR",
        f"OBR|1|||182777000^monitoring^SCT|||{at}",
        _obx(1, "147842^MDC_ECG_HEART_RATE", hr, "264864^MDC_DIM_BEAT_PER_MIN", at, frame.device),
        _obx(2, "150456^MDC_PULS_OXIM_SAT_O2", spo2, "262688^MDC_DIM_PERCENT", at, frame.device),
    )
    return b"\x0b" + "\r".join(rows).encode() + b"\r\x1c\r"


def _obx(place: int, code: str, value: float, unit: str, at: str, device: str) -> str:
    return f"OBX|{place}|NM|{code}^MDC|1.1.1.{place}|{value:g}|{unit}^MDC|||||R|||{at}||||{device}"
