"""What the HL7 tests share: messages as monitors send them, a door and a registrar that remember, a client of MLLP."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar

from edge.gateway.accept import Reading, Refusal, Sender
from edge.gateway.hl7.desk import Desk, Peer
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.mllp import MllpServer
from edge.gateway.hl7.mllp_bounds import Bounds
from edge.gateway.hl7.profile import USUAL
from edge.gateway.pseudonym import Pseudonyms
from streams.errors import NotStored

DEVICE = "080019FFFE134535"
STAMP = "20261129153000.250+0000"
STAMP_MS = 1_795_966_200_250
SENDER = Sender("icu", ("*",), names_patients=True)
PEER = Peer("10.0.0.7")
WAIT_S = 10.0
VT, FS, CR = b"\x0b", b"\x1c", b"\r"

USUAL_SIGNALS = (
    ("147842^MDC_ECG_HEART_RATE^MDC", "80", "264864^MDC_DIM_BEAT_PER_MIN^MDC"),
    ("150456^MDC_PULS_OXIM_SAT_O2^MDC", "97", "262688^MDC_DIM_PERCENT^MDC"),
    ("149530^MDC_PULS_OXIM_PULS_RATE^MDC", "81", "264864^MDC_DIM_BEAT_PER_MIN^MDC"),
    ("151578^MDC_TTHOR_RESP_RATE^MDC", "14", "264928^MDC_DIM_RESP_PER_MIN^MDC"),
    ("150033^MDC_PRESS_BLD_ART_SYS^MDC", "120", "266016^MDC_DIM_MMHG^MDC"),
    ("150034^MDC_PRESS_BLD_ART_DIA^MDC", "70", "266016^MDC_DIM_MMHG^MDC"),
    ("150344^MDC_TEMP^MDC", "37.1", "268192^MDC_DIM_DEGC^MDC"),
)


def msh(message_id="1", kind="ORU^R01^ORU_R01", asks=("", ""), stamp=STAMP, charset="UNICODE UTF-8"):
    """Return a header; `asks` are MSH-15 and MSH-16."""
    accept, application = asks
    return (
        f"MSH|^~\\&|MON^{DEVICE}^EUI-64|ICU|VIGIL|WARD|{stamp}||{kind}|{message_id}|P|2.6|||{accept}|{application}||"
        f"{charset}|||PCD_DEC_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.1.1^ISO"
    )


def obx(code="147842^MDC_ECG_HEART_RATE^MDC", value="80", unit="", **other):
    """Return an OBX; fields by keyword, for example `f14=...`; f2 is NM, f11 R, f18 a device's EUI-64."""
    fields = {2: "NM", 3: code, 4: "1.1.1.1", 5: value, 6: unit, 11: "R", 18: f"{DEVICE}^GE"}
    fields |= {int(name[1:]): text for name, text in other.items()}
    return "|".join(["OBX", *(fields.get(place, "") for place in range(1, max(fields) + 1))])


def segments(*observations, message_id="1", asks=("", ""), stamp=STAMP, patient="MRN1^^^HOSP^MR"):
    """Return the segments of a PCD-01."""
    return [
        msh(message_id, asks=asks, stamp=stamp),
        f"PID|||{patient}||Doe^Jane^^^^^L",
        "PV1||E|ICU^2^7",
        f"OBR|1|a|b|182777000^monitoring of patient^SCT|||{stamp}",
        *(observations or [obx(code, value, unit, f14=stamp) for code, value, unit in USUAL_SIGNALS]),
    ]


def block(lines, ending="\r"):
    """Return segments as the bytes of a message."""
    return "".join(line + ending for line in lines).encode()


def framed(message):
    """Return a message as MLLP carries it."""
    return VT + message + FS + CR


def pcd01(number=1, **other):
    """Return a PCD-01 of seven signals, 1.4 kB."""
    return block(segments(message_id=str(number), **other))


@dataclass
class Door:
    """Remembers what went through, and fails as told: errors to raise first, refusals by device."""

    frames: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    senders: list = field(default_factory=list)
    records: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    refuse: dict = field(default_factory=dict)
    gate: asyncio.Event | None = None

    async def readings(self, sender, readings, wait_s=None):
        """Take frames."""
        if self.gate is not None:
            try:
                async with asyncio.timeout(wait_s):
                    await self.gate.wait()
            except TimeoutError:
                raise NotStored("no answer") from None
        await asyncio.sleep(0)
        if self.errors:
            raise self.errors.pop(0)
        self.calls.append(len(readings))
        self.senders.append(sender.name)
        results = [self.refuse.get(one.frame.device) for one in readings]
        self.frames += [one.frame for one, result in zip(readings, results, strict=True) if result is None]
        return results

    async def store(self, topic, key, value):
        """Take a record."""
        if self.errors:
            raise self.errors.pop(0)
        self.records.append((topic, key, value))


@dataclass
class Registrar:
    """Remembers what it was told."""

    told: list = field(default_factory=list)
    answer: Refusal | None = None

    async def take(self, sender, reports, together=False):
        """Take reports."""
        self.told += reports
        return [self.answer] * len(reports)


@dataclass
class Counts:
    """Counts what becomes of messages."""

    accepted: int = 0
    reasons: Counter = field(default_factory=Counter)

    def answered(self, results, took_s):
        """Count results."""
        self.accepted += results.count(None)
        self.reasons.update(one.reason for one in results if one is not None)

    def refused(self, reason):
        """Count one."""
        self.reasons[reason] += 1


@dataclass
class Filing:
    """Files every alarm under whom the sender names, else under the device; stale for so many questions."""

    stale: int = 0

    def is_current(self):
        """Tell whether it is stale no more."""
        self.stale -= 1
        return self.stale < 0

    def patient_at(self, device, event_ts_ms, named):
        """Return the stream."""
        return named or f"~device/{device}"


def desk_of(door=None, registrar=None, identify=None, profile=USUAL, profiles=None, stale=0):
    """Return a desk over doubles; everybody is `SENDER`."""
    return Desk(
        door=door or Door(),
        registrar=registrar or Registrar(),
        identify=identify or (lambda peer, application, facility: SENDER),
        filing=Filing(stale),
        patients=Patients(Pseudonyms()),
        profile_of=lambda name: (profiles or {}).get(name, profile),
        counted=Counts(),
    )


def taken(message, **other):
    """Return what a desk reads in a message."""
    return desk_of(**other).take(message, PEER)


def frame_of(*observations, **other):
    """Return the only frame of observations."""
    (reading,) = taken(block(segments(*observations, **other))).readings
    assert isinstance(reading, Reading)
    return reading.frame


def said(answer):
    """Return (MSA-1, MSA-2) of each answer in bytes that an MLLP server wrote."""
    found = []
    for one in answer.split(FS + CR):
        if one:
            assert one.startswith(VT)
            rows = one[1:].decode().split("\r")
            msa = next(row for row in rows if row.startswith("MSA"))
            found.append(tuple(msa.split(rows[0][3])[1:3]))
    return found


@asynccontextmanager
async def serving(desk, bounds=None, tls=None):
    """Run a server on a port of this machine."""
    server = MllpServer(desk, bounds or Bounds(), tls)
    await server.start("127.0.0.1", 0)
    try:
        yield server
    finally:
        await server.stop()
        for client in Client.opened:
            client.writer.transport.abort()
        Client.opened.clear()
        await asyncio.sleep(0)


class Client:
    """Speaks MLLP as a device does; whoever serves hangs up on all in the end."""

    opened: ClassVar = []

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, server, **other):
        """Connect."""
        client = cls(*await asyncio.open_connection("127.0.0.1", server.port, **other))
        cls.opened.append(client)
        return client

    def send(self, data):
        """Send bytes."""
        self.writer.write(data)

    async def answer(self):
        """Return the next answer's (MSA-1, MSA-2)."""
        async with asyncio.timeout(WAIT_S):
            one = await self.reader.readuntil(FS + CR)
        return said(one)[0]

    async def rest(self):
        """Return all that comes until the server closes."""
        async with asyncio.timeout(WAIT_S):
            return await self.reader.read()

    def close(self):
        """Hang up."""
        self.writer.close()


def run(story):
    """Run a test's story, within a deadline."""

    async def bounded():
        async with asyncio.timeout(WAIT_S):
            await story()

    asyncio.run(bounded())


async def until(condition):
    """Wait for a condition."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - conditions of code that knows of no event
            await asyncio.sleep(0.005)
