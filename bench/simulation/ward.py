"""A small ward's log from a random generator: frames, ticks, commands, answers, duplicates, restarts, bad input."""

import json
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from clinical.rules import LimitRule, News2Rules, RuleSet, Step, TechnicalRules
from streams.contracts.alert import episode_id
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.seals import DEVELOPMENT, Place
from streams.contracts.ward import RULING_KEY

START_MS: Final = 1_600_000_000_000
PATIENT_TTL_S: Final = 120
RULES: Final = RuleSet(
    (
        LimitRule("hr-high", "hr", None, 120, 3, 1, 2, "high", latch=True),
        LimitRule("hr-raised", "hr", None, 110, 0, 1, 2, "medium"),
        LimitRule("spo2-low", "spo2", 90, None, 5, 0, 0, "medium"),
    ),
    TechnicalRules(silent_device_s=15, signal_loss_s=20, escalate_s=30, enabled=True),
    News2Rules(enabled=True, inputs_min=3, delay_s=5),
    (Step("nurse", 5), Step("team", 20)),
)
HR: Final = (None, 60, 80, 119, 121, 130, 141)
SPO2: Final = (None, 86, 89, 90, 95, 98)
AGAIN_MS_MAX: Final = 40_000
"""How long after it a frame may be sent again: whoever was dropped meanwhile would be a new patient, and his
alarms would have the names of the old."""

STEPS_S: Final = ((0, 1, 1, 2, 5, 9, 16, 40), (0, 1, 1, 5, 40, 90, 130))
"""Between two records. In the second kind of log patients are silent until they are dropped, and come back."""

LATE_S: Final = (0, 0, 0, 0, 1, 20, 70)


@dataclass(slots=True)
class Record:
    """What the decoder reads of a consumed record; time in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def ward_log(random: Random, partition: int, length: int) -> list[Record]:
    """Return the readings of one partition, of which each patient is in one only."""
    patients = [f"bed-{partition}{n}" for n in range(random.randint(1, 4))]
    devices = [f"mon-{n}" for n in range(random.choice((1, 2, 7)))]  # more than a patient's row remembers
    seq: dict[tuple[str, str], int] = {}
    boot: dict[str, int] = {}
    sent: list[tuple[str, bytes, int]] = []
    log: list[Record] = []
    now_ms, steps_s = START_MS, random.choice(STEPS_S)
    for _ in range(length):
        offset = len(log)
        what = random.random()
        if what < 0.62:
            now_ms += random.choice(steps_s) * 1000
            patient, device = random.choice(patients), random.choice(devices)
            seq[patient, device] = seq.get((patient, device), 0) + 1
            frame = {
                "patient": patient,
                "device": device,
                "boot": boot.get(device, 0),
                "seq": seq[patient, device],
                "event_ts_ms": now_ms - random.choice(LATE_S) * 1000,
                **_readings(random),
            }
            sent.append((patient, json.dumps(frame).encode(), now_ms))
            log.append(Record(offset, now_ms, patient.encode(), sent[-1][1]))
        elif what < 0.82:
            now_ms += random.choice(steps_s) * 1000
            log.append(Record(offset, now_ms, TICK_KEY, encode_tick(now_ms)))
        elif what < 0.92 and (young := [one for one in sent if one[2] > now_ms - AGAIN_MS_MAX]):
            patient, value, _ = random.choice(young)
            log.append(Record(offset, now_ms, patient.encode(), value))
        elif what < 0.94:
            boot[random.choice(devices)] = random.randint(0, 9)
            log.append(Record(offset, now_ms, TICK_KEY, encode_tick(now_ms - 5_000)))
        elif what < 0.955:
            ruling = {"ward": "icu", "lost": random.random() < 0.7, "partition": 0, "offset": offset}
            value = DEVELOPMENT.seal(RULING_KEY, Place(0, offset), json.dumps(ruling).encode())
            log.append(Record(offset, now_ms, RULING_KEY, value))
        elif what < 0.985:
            command = _command(random, random.choice(patients), sent, now_ms, f"c{offset}")
            said = json.dumps({"person": NURSE, "order": command}).encode()
            value = DEVELOPMENT.seal(COMMAND_KEY, Place(partition, offset), said)
            log.append(Record(offset, now_ms, COMMAND_KEY, value))
        else:
            log.append(Record(offset, now_ms, b"bed-x", b'{"patient": "bed-x"'))
    return log


def _readings(random: Random) -> dict[str, float | str | bool | None]:
    readings: dict[str, float | str | bool | None] = {}
    if random.random() < 0.8:
        readings["hr"] = random.choice(HR)
    if random.random() < 0.7:
        readings["spo2"] = random.choice(SPO2)
    if random.random() < 0.3:
        readings |= {"resp": 9, "abp_sys": 115, "consciousness": "A", "on_oxygen": False}
    return readings


NURSE: Final = {"id": "nurse-1", "role": "nurse", "wards": ["*"]}
COMMANDS: Final[tuple[dict[str, Any], ...]] = (
    *({"kind": "acknowledge"}, {"kind": "acknowledge"}, {"kind": "reject"}),
    {"kind": "pause", "mode": "alarm-paused", "seconds": 20},
    {"kind": "pause", "mode": "audio-off", "reason": "transport"},
    *({"kind": "resume"}, {"kind": "set-limits", "rule": "hr-high", "high": 135}, {"kind": "discharge"}),
    *({"kind": "admit", "ward": "icu"}, {"kind": "set-profile", "age_band": "neonate"}),
)


def _command(
    random: Random, patient: str, sent: list[tuple[str, bytes, int]], now_ms: int, name: str
) -> dict[str, Any]:
    """Return a command; one for an alarm guesses its onset among the times of the patient's frames."""
    said = {"id": name, "patient": patient, "actor": NURSE["id"], "issued_ts_ms": now_ms}
    chosen = random.choice(COMMANDS)
    if chosen["kind"] in ("acknowledge", "reject"):
        onsets = [json.loads(value)["event_ts_ms"] for whose, value, _ in sent if whose == patient] or [0]
        rule = random.choice(("hr-high", "hr-raised", "silent-device"))
        said["episode"] = episode_id(patient, rule, random.choice(onsets[-4:]))
    return said | chosen
