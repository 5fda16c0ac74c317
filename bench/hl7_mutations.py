"""Damaged HL7 at our reader: whatever bytes come, each message is refused with a reason or its frames are in the door.

`python -m bench.hl7_mutations --inputs 100000` says what became of each, and ends with 1 where something was wrong.
"""

import asyncio
import random
import re
import sys
from collections.abc import Sequence
from typing import Final

from bench.mutations import CheckingDoor, Damage, Found, command
from edge.gateway.accept import Headers, Refusal, Sender
from edge.gateway.hl7.desk import Desk, Peer
from edge.gateway.hl7.framing import Broken, Framer
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.profile import USUAL
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.reports import AdtEvent, AssociationReport, Report
from streams.contracts.alert import Alert
from streams.contracts.frame import ID_PATTERN

BYTES_MAX: Final = 16_384
MUTATIONS_MAX: Final = 6
_ID: Final = re.compile(ID_PATTERN)
_END: Final = "20261129153000.250+0000||||080019FFFE134535^B1X5_GE"


def _message(kind: str, asks: str, *segments: str) -> bytes:
    head = f"MSH|^~\\&|MON^080019FFFE134535^EUI-64|ICU|V|W|20261129153000+0100||{kind}|41|P|2.6|||{asks}||UNICODE UTF-8"
    return "\r".join([head, *segments, ""]).encode()


def _obx(code: str, value: str, unit: str, kind: str = "NM") -> str:
    return f"OBX|1|{kind}|{code}^MDC|1.13.1.1|{value}|{unit}^MDC||A~PM~SP|||R|||{_END}"


def _facet(number: int, code: str, value: str) -> str:
    return f"OBX|{number}|ST|{code}^MDC|1.0.0.0.{number}|{value}||||||R|||{_END}"


_PATIENT: Final = ("PID|||HED12^^^PID^MR~9^^^X^PI||Lázy^Kitty", "PV1||E|ICU^2^7&b|||ER^1^3")
CORPUS: Final = (
    _message(
        "ORU^R01^ORU_R01",
        "AL|AL",
        *_PATIENT,
        "OBR|1|a|b|182777000^monitoring^SCT|||20261129153000||||SN7",
        "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X",
        _obx("147842^MDC_ECG_HEART_RATE", "80", "264864^MDC_DIM_BEAT_PER_MIN"),
        _obx("150456^MDC_PULS_OXIM_SAT_O2", ">97", "262688^MDC_DIM_PERCENT"),
        _obx("150344^MDC_TEMP", "98.6", "266560^MDC_DIM_FAHR"),
        _obx("150301^MDC_PRESS_CUFF_SYS", "=^117", "266016^MDC_DIM_MMHG", "SN"),
        "PRT|1|UC||EQUIP^EQUIP^HL70912||||||MON^^231A8456B1CB2366^EUI-64",
    ),
    _message(
        "ORU^R40^ORU_R40",
        "NE|AL",
        *_PATIENT,
        "OBR|1||77^MON|196616^MDC_EVT_ALARM^MDC|||20261129153000" + "|" * 22 + "^76&MON",
        _facet(1, "196616^MDC_EVT_ALARM", "199684^MDC_EVT_ECG_ASYSTOLE^MDC"),
        _facet(2, "68480^MDC_ATTR_ALERT_SOURCE", "147842^MDC_ECG_HEART_RATE^MDC"),
        _facet(3, "68481^MDC_ATTR_EVENT_PHASE", "start"),
        _facet(4, "68482^MDC_ATTR_ALARM_STATE", "active"),
    ),
    _message("ADT^A40^ADT_A39", "|", "EVN|A40|20261129153000+0000", *_PATIENT, "MRG|MRN9^^^HOSP^MR"),
    _message(
        "ORU^R01^ORU_R01",
        "AL|NE",
        *_PATIENT,
        "OBR|||15404652|69136^MDC_OBS_ASSOCIATION_PATIENT_DEVICE^MDC|||20260726120000|20260726123000",
        "OBX|1|CWE|68487^MDC_ATTR_EVT_COND^MDC||198332^MDC_EVT_ASSOCIATION_PATIENT_DEVICE^MDC||||||F",
        "PRT|1|UC||EQUIP^EQUIP^HL70912||||||MON5588^^231A8456B1CB2366^EUI-64|20260726120000",
    ),
)
_SIGNS: Final = (
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"\r",
    b"\n",
    b"\x0b",
    b"\x1c",
    b"\x00",
    b'""',
    b"\xff",
    b"\xc3",
    b"?",
)
_VALUES: Final = (
    b"-100",
    b"1e309",
    b"nan",
    b"99999999999999999999",
    b">",
    b"20261129",
    b"\\X",
    b"\\E\\",
    b"~~~",
    b"X",
)


mutate: Final = Damage(CORPUS, _SIGNS, _VALUES, separators=(b"\r", b"|")).once


class _Door(CheckingDoor):
    """Takes frames, alerts and reports, and checks each against its contract."""

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Take a record."""
        Alert.model_validate_json(value)
        self.kept += 1

    async def take(
        self, sender: Sender, reports: Sequence[Report], together: bool = False
    ) -> list[Refusal | None]:
        """Take reports."""
        for one in reports:
            if isinstance(one, AssociationReport):
                self._check_ids(one.id, one.device, one.patient, one.reporter)
            elif isinstance(one, AdtEvent):
                ids = one.patient, one.prior_patient, one.place, one.prior_place
                self._check_ids(*filter(None, ids))
        self.kept += len(reports)
        return [None] * len(reports)

    def _check_ids(self, *ids: str) -> None:
        self.wrong += [f"an id that is none: {one!r}" for one in ids if not _ID.fullmatch(one)]

    def patient_at(self, device: str, event_ts_ms: int, named: str) -> str:
        """File under whom the sender names."""
        return named or f"~device/{device}"

    def is_current(self) -> bool:
        """It always is."""
        return True

    def answered(self, results: Sequence[Refusal | None], took_s: float) -> None:
        """Count nothing."""

    def refused(self, reason: str) -> None:
        """Count nothing."""


def run(inputs: int, seed: int) -> Found:
    """Send `inputs` damaged inputs; the same seed makes the same."""
    found = Found()
    asyncio.run(_run(inputs, random.Random(seed), found))
    return found


async def _run(inputs: int, chance: random.Random, found: Found) -> None:
    for _ in range(inputs):
        message = chance.choice(CORPUS)
        for _ in range(chance.randint(1, MUTATIONS_MAX)):
            message = mutate(chance, message)[:BYTES_MAX]
        with found.one(message):
            await _one(b"\x0b" + message + b"\x1c\r", chance, found)


async def _one(stream: bytes, chance: random.Random, found: Found) -> None:
    door = _Door()
    desk = Desk(door, door, lambda *_: _SENDER, lambda _: USUAL, door, _PATIENTS, door)
    framer = Framer(BYTES_MAX)
    cut = chance.randrange(len(stream))
    for block in (*framer.feed(stream[:cut]), *framer.feed(stream[cut:])):
        kept = door.kept
        if isinstance(block, Broken):
            answer = desk.answer_broken(block, _PEER)
            outcome = block.reason
        else:
            taken = desk.take(block, _PEER)
            answer = (await desk.settle([taken]))[0]
            outcome = taken.refusal.reason if taken.refusal else "taken"
        found.outcomes[outcome] += 1
        _check(answer, outcome, door.kept - kept, found)
    found.wrong += door.wrong


def _check(answer: bytes, outcome: str, kept: int, found: Found) -> None:
    """Check that what is accepted is there, and what is refused is not."""
    codes = {row[4:6] for row in answer.split(b"\r") if row.startswith((b"MSA|", b"\x0bMSA|"))}
    if outcome == "taken" and not kept:
        found.wrong.append("taken, and nothing is there")
    if outcome != "taken" and (kept or codes & {b"AA", b"CA"}):
        found.wrong.append(f"refused as {outcome}, and accepted")


_SENDER: Final = Sender("s", ("*",), names_patients=True)
_PEER: Final = Peer("10.0.0.7")
_PATIENTS: Final = Patients(Pseudonyms())


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
