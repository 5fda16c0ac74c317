"""Damaged payloads at our reader of Vital Recorder: each is refused with a reason, or what it holds is frames.

`python -m bench.vital_recorder_mutations --inputs 100000` says what became of each, and ends with 1 where something was
wrong. Half are damaged before they are packed, half as packed bytes.
"""

import asyncio
import gzip
import json
import random
import sys
import zlib
from datetime import UTC
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from bench.mutations import CheckingDoor, Damage, Found, command
from edge.gateway.accept import Reading, Refusal, Sender
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.profile import Profile
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.vital_recorder.vital_payload import read_payload

BYTES_MAX: Final = 65_536
MUTATIONS_MAX: Final = 6
NOW_MS: Final = 1_792_888_202_000
"""2026-10-25 00:30:02 UTC: in Berlin the hour that comes twice."""

_MESSAGES: Final = "".join(
    f"MSH|^~\\&|VitalRecorder|WARD3|||20261025023000||ORU^R01|{bed}|P|2.6\r"
    f"PID|||\rPV1||I|BED-{bed}\rOBR|1|||VITAL_SIGNS|||20261025022959|20261025023000\r"
    "OBX|1|NM|ECG_HR^Solar8000/HR||72|/min|30^150||||R\r"
    "OBX|2|NA|ECG_WAV^SNUADC/ECG_II@100||0.1^0.2^^-0.1|mV|-1^2||||R\r"
    "OBX|3|NM|^Solar8000/BT||36.6|C|||||R\r"
    "OBX|4|ST|EVENT^^||intubation||||||R\r"
    for bed in (1, 2, 3)
).encode()
_ROOMS: Final = json.dumps(
    {
        "vrcode": "WARD3",
        "rooms": [
            {
                "seqid": 7,
                "roomname": "BED-1",
                "trks": [
                    {
                        "id": 1,
                        "name": "HR",
                        "type": "num",
                        "unit": "bpm",
                        "montype": "ECG_HR",
                        "recs": [
                            {"val": 80.0, "dt": 1792888200.25},
                            {"val": float("nan"), "dt": 1792888201.25},
                        ],
                    },
                    {
                        "name": "ECG",
                        "type": "wav",
                        "montype": "ECG_WAV",
                        "srate": 100,
                        "recs": [{"val": [0.5, -1e3], "dt": 1792888200}],
                    },
                ],
                "evts": [{"dt": 1792888200, "val": "x"}],
            }
        ],
    }
).encode()
CORPUS: Final = (_MESSAGES, _ROOMS)
_SIGNS: Final = (b"|", b"^", b"\\", b"\r", b"\n", b"{", b"[", b'"', b",", b"\x00", b"\xff", b"MSH", b"NaN")
_VALUES: Final = (
    b"-1",
    b"1e309",
    b"nan",
    b"99999999999999999999",
    b"null",
    b"true",
    b'""',
    b"{}",
    b"-100",
    b"[[[",
)


_DAMAGE: Final = Damage(CORPUS, _SIGNS, _VALUES, separators=(b"|", b"\r", b":", b","))


_gzip: Final = partial(gzip.compress, mtime=0)  # or it would say the second in which it packs


def packed(chance: random.Random) -> bytes:
    """Return a damaged payload."""
    content = chance.choice(CORPUS)
    pack = chance.choice((_gzip, zlib.compress))
    inside = chance.random() < 0.7
    body = content if inside else pack(content, 1)
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        body = _DAMAGE.once(chance, body)[:BYTES_MAX]
    return pack(body, 1) if inside else body


def run(inputs: int, seed: int) -> Found:
    """Read `inputs` damaged payloads; the same seed makes the same."""
    found = Found()
    asyncio.run(_run(inputs, random.Random(seed), found))
    return found


async def _run(inputs: int, chance: random.Random, found: Found) -> None:
    profiles = [Profile(zone=zone) for zone in (UTC, ZoneInfo("Europe/Berlin"))]
    for _ in range(inputs):
        payload = packed(chance)
        with found.one(payload):
            await _one(payload, chance.choice(profiles), found)


async def _one(payload: bytes, profile: Profile, found: Found) -> None:
    read = read_payload(payload, profile, _PATIENTS, lambda: NOW_MS)
    if isinstance(read, Refusal):
        found.outcomes[read.reason] += 1
        return
    door = CheckingDoor()
    await door.readings(_SENDER, [Reading(frame) for frame in read.frames])
    found.wrong += door.wrong
    if read.frames:
        found.outcomes["taken"] += 1
    else:
        found.outcomes[read.faults[0] if read.faults else "no-observation"] += 1


_SENDER: Final = Sender("s", ("*",))
_PATIENTS: Final = Patients(Pseudonyms())


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
