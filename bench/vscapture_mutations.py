"""Damaged messages at our reader of VSCapture: each is refused with a reason, or what it holds is frames.

`python -m bench.vscapture_mutations --inputs 100000` says what became of each; it ends with 1 where one was wrong.
"""

import asyncio
import json
import random
import sys
from typing import Final
from zoneinfo import ZoneInfo

from bench.mutations import CheckingDoor, Damage, Found, command
from edge.gateway.accept import Reading, Refusal, Sender
from edge.gateway.vscapture.capture_intake import items_of
from edge.gateway.vscapture.capture_payload import CaptureProfile

BYTES_MAX: Final = 65_536
MUTATIONS_MAX: Final = 3
NOW_MS: Final = 1_792_888_202_000
"""2026-10-25 00:30:02 UTC: in Berlin the hour that comes twice."""

REASONS: Final = frozenset(
    [
        "no-observation",
        "unknown-code",
        "no-device",
        "damaged-device",
        "no-time",
        "no-number",
        "implausible",
        "bound",
        "invalid",
        "not-json",
        "too-large",
    ]
)


def _value(name: str | None, text: str) -> dict[str, str | None]:
    at = "25-10-2026 02:30:01.250"
    times = {"Relativetimestamp": "81234", "SystemLocalTime": at, "Timestamp": at}
    return {"DeviceID": "mp50", "PhysioID": name, **times, "Value": text}


_BLOCK: Final = {
    "id": "s5-1",
    "time": "2026-10-25T02:30:01+02:00",
    "deviceId": "s5",
    "type": 0,
    "values": [
        {"dataType": "ECG_HR", "value": 80},
        {"dataType": "SpO2", "value": None},
        {"dataType": "T1_Temp", "value": 36.6},
        {"dataType": "Agent_AA", "value": "SEV"},
    ],
}
_VALUES: Final = [
    _value("NOM_ECG_CARD_BEAT_RATE", "72"),
    _value("NOM_PULS_OXIM_SAT_O2", "97,5"),
    _value("NOM_TEMP", "-"),
    _value("NOM_RESP_RATE", "<4"),
    _value(None, "1"),
]
CORPUS: Final = tuple(
    json.dumps(one).encode()
    for one in (
        _VALUES,
        _BLOCK,
        {"records": [{"key": "k", "value": _BLOCK}, {"key": "k", "value": _VALUES[0]}]},
    )
)
_DAMAGE: Final = Damage(
    CORPUS,
    signs=(b'"', b",", b"[", b"{", b"}", b"]", b":", b"-", b".", b"\\u0000", b"\x00", b"\xff", b"NaN"),
    values=(b"-1", b"1e309", b"nan", b"99999999999999999999", b"null", b"true", b'""', b"{}", b"[[[", b'"\\ud800"'),
    separators=(b":", b",", b'"'),
)  # fmt: skip
_PROFILES: Final = (CaptureProfile(), CaptureProfile(zone=ZoneInfo("Europe/Berlin")))


def damaged(chance: random.Random) -> bytes:
    """Return a damaged message."""
    body = chance.choice(CORPUS)
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        body = _DAMAGE.once(chance, body)[:BYTES_MAX]
    return body


def run(inputs: int, seed: int) -> Found:
    """Read `inputs` damaged messages; the same seed makes the same."""
    found, chance, door = Found(), random.Random(seed), CheckingDoor()
    for _ in range(inputs):
        body = damaged(chance)
        with found.one(body):
            items, faults = items_of(body, chance.choice(_PROFILES), "", NOW_MS)
            frames = [item for item in items if isinstance(item, Reading)]
            asyncio.run(_keep(door, frames))
            refused = [item.reason for item in items if isinstance(item, Refusal)]
            found.outcomes.update([*refused, *faults, *["taken"] * bool(frames)])
            found.wrong += [f"unknown reason {one}" for one in (*refused, *faults) if one not in REASONS]
            if not items:
                found.wrong.append(f"nothing became of {body!r}")
    found.wrong += door.wrong
    return found


async def _keep(door: CheckingDoor, frames: list[Reading]) -> None:
    await door.readings(Sender("s", ("*",)), frames)


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
