"""Beds and wards for the board's tests and pictures, in the form that the stream carries."""

import math
import random
from typing import Any

from fake_board import now_ms

HOUR_MS = 3_600_000
UNITS = {"hr": "/min", "spo2": "%", "resp": "/min", "abp_mean": "mm[Hg]", "nbp_sys": "mm[Hg]", "temp": "Cel"}
NORMAL = {
    "hr": 76,
    "pulse": 76,
    "spo2": 97,
    "resp": 15,
    "nbp_sys": 122,
    "nbp_dia": 74,
    "nbp_mean": 90,
    "temp": 36.8,
}
SLOW = ("nbp_sys", "nbp_dia", "nbp_mean", "temp")


def alarm(rule: str, priority: str, **said: Any) -> dict[str, Any]:
    """Return an open alarm; what is not said is empty."""
    signal = said.get("signal")
    base = {
        "episode": f"{abs(hash((rule, priority, str(sorted(said.items()))))):016x}"[:16],
        "alert": None,
        "rule": rule,
        "event": "MDC_EVT_LO",
        "priority": priority,
        "type": "physiological",
        "state": "active",
        "onset_ts_ms": now_ms() - 94_000,
        "value": None,
        "low": None,
        "high": None,
        "unit": UNITS.get(signal or ""),
        "signal": signal,
        "reason": "",
        "asked": None,
        "acknowledged_by": None,
        "deliveries": [],
    }
    return {**base, **said}


def bed(patient: str, ward: str = "3 East", **said: Any) -> dict[str, Any]:
    """Return a quiet bed; what is said replaces what it would be."""
    now = now_ms()
    values = said.pop("values", NORMAL)
    ages = {name: 25 * 60_000 if name in SLOW else 0 for name in values}
    ages.update(said.pop("ages_ms", {}))
    alarms = said.get("alarms", [])
    return {
        "patient": patient,
        "ward": ward,
        "bed": None,
        "seen_ts_ms": now,
        "partition": sum(map(ord, patient)) % 4,
        "severity": worst_of(alarms),
        "pause": None,
        "limits_widened": [],
        "values": {name: {"value": value, "ts_ms": now - ages[name]} for name, value in values.items()},
        "scores": {"news2": {"total": 1, "band": "low", "missing": [], "old": [], "ts_ms": now}},
        "alarms": [],
        **said,
    }


def worst_of(alarms: list[dict[str, Any]]) -> str:
    """Return a bed's severity as the server says it."""
    found = {"technical" if each["type"] == "technical" else each["priority"] for each in alarms}
    return next((each for each in ("high", "medium", "low", "technical") if each in found), "none")


def desaturation(minutes: float = 1.6, **said: Any) -> dict[str, Any]:
    """Return a high alarm on oxygen that a nurse is asked about."""
    base: dict[str, Any] = {
        "signal": "spo2",
        "value": 78,
        "low": 80,
        "reason": "oxygen saturation 78 %, below 80 for 5 s",
        "asked": {"to": "nurse", "status": "requested", "step": 1},
        "onset_ts_ms": now_ms() - int(minutes * 60_000),
    }
    return alarm("spo2-desat", "high", **{**base, **said})


def ward_of(beds: int, seed: int = 7) -> list[dict[str, Any]]:
    """Return a ward's morning: mostly quiet, a few alarms of each kind."""
    chance = random.Random(seed)
    found = []
    for number in range(beds):
        values = {
            "hr": chance.gauss(78, 9), "spo2": min(100, chance.gauss(96.5, 1.2)), "resp": chance.gauss(15.5, 2.2),
            "nbp_sys": chance.gauss(124, 11), "nbp_dia": chance.gauss(74, 7), "temp": round(chance.gauss(36.9, 0.3), 1),
        }  # fmt: skip
        values = {name: value if name == "temp" else round(value) for name, value in values.items()}
        ward = ("3 East", "3 West", "Step-down")[number % 3]
        total = chance.choice([0, 0, 0, 1, 1, 2, 3])
        score = {"total": total, "band": "low", "missing": [], "old": [], "ts_ms": now_ms()}
        found.append(
            bed(
                f"p{number:03d}",
                ward,
                bed=f"{number // 3 + 1:02d}" + "ABC"[number % 3],
                values=values,
                scores={"news2": score},
                ages_ms={
                    "nbp_sys": chance.randrange(60) * 60_000,
                    "nbp_dia": 0,
                    "temp": chance.randrange(230) * 60_000,
                },
            )
        )
    return _with_alarms(found) if beds >= 18 else found


def _with_alarms(beds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    now = now_ms()

    def give(
        index: int, *alarms: dict[str, Any], values: dict[str, float], news: tuple[Any, ...], **said: Any
    ) -> None:
        each = beds[index]
        each["values"].update({name: {"value": value, "ts_ms": now} for name, value in values.items()})
        total, band, missing = news
        each["scores"] = {
            "news2": {"total": total, "band": band, "missing": list(missing), "old": [], "ts_ms": now}
        }
        each.update({"alarms": list(alarms), "severity": worst_of(list(alarms)), **said})

    low_pressure = alarm(
        "nbp-sys-low", "medium", signal="nbp_sys", value=84, low=90, onset_ts_ms=now - 312_000
    )
    fast = {"signal": "hr", "value": 134, "high": 120, "onset_ts_ms": now - 41_000}
    known: dict[str, Any] = {"state": "acknowledged", "acknowledged_by": "nurse-4"}
    paused = {"mode": "audio-paused", "until_ts_ms": now + 92_000}
    probe = {"type": "technical", "onset_ts_ms": now - 620_000, "event": "MDC_EVT_SENSOR_DISCONN"}
    give(1, desaturation(), low_pressure, values={"spo2": 78, "hr": 118, "resp": 27}, news=(9, "high", ()))
    give(6, alarm("hr-high", "medium", **fast), values={"hr": 134, "spo2": 94}, news=(4, "low", ("temp",)))
    give(7, alarm("resp-high", "medium", signal="resp", value=33, high=30, onset_ts_ms=now - 77_000),
         values={"resp": 33}, news=(5, "medium", ()))  # fmt: skip
    give(10, alarm("spo2-low", "medium", signal="spo2", value=88, low=90, onset_ts_ms=now - 1_260_000, **known),
         values={"spo2": 88}, news=(6, "medium", ()), pause=paused)  # fmt: skip
    give(14, alarm("temp-high", "low", signal="temp", value=39.2, high=39, onset_ts_ms=now - 2_200_000),
         values={"temp": 39.2}, news=(3, "low", ()))  # fmt: skip
    give(16, alarm("spo2-missing", "low", signal="spo2", **probe), values={}, news=(2, "low", ("spo2",)))
    beds[16]["values"]["spo2"]["ts_ms"] = now - 610_000
    return beds


def day_of(patient_seed: int = 3) -> dict[str, list[tuple[int, float | None]]]:
    """Return 24 hours of readings: one a minute with a gap of 70 minutes, a cuff pressure each hour."""
    chance = random.Random(patient_seed)
    now = now_ms()
    begin = now - 24 * HOUR_MS
    trend: dict[str, list[tuple[int, float | None]]] = {name: [] for name in ("hr", "spo2", "resp")}
    for minute in range(24 * 60):
        at = begin + minute * 60_000
        if 600 <= minute < 670:
            continue
        drop = 14 * math.exp(-(((minute - 1350) / 40) ** 2))
        trend["hr"].append((at, round(78 + 9 * math.sin(minute / 190) + drop * 2 + chance.gauss(0, 2))))
        trend["spo2"].append(
            (at, None if 200 <= minute < 212 else round(min(100, 97 - drop + chance.gauss(0, 0.5))))
        )
        trend["resp"].append((at, round(15 + 3 * math.sin(minute / 130) + drop / 2 + chance.gauss(0, 1))))
    cuffs = [begin + hour * HOUR_MS + 12 * 60_000 for hour in range(24)]
    trend["nbp_sys"] = [(at, round(chance.gauss(124, 8))) for at in cuffs]
    trend["nbp_dia"] = [(at, round(chance.gauss(74, 5))) for at in cuffs]
    trend["temp"] = [(at, round(chance.gauss(37.0, 0.3), 1)) for at in cuffs[::4]]
    return trend


def limits_of() -> dict[str, Any]:
    """Return limits as `vitals.limits` has them."""

    def pair(low: float | None, high: float | None, **said: Any) -> dict[str, Any]:
        return {
            "low": low,
            "high": high,
            "own": False,
            "unit_low": low,
            "unit_high": high,
            "wider": False,
            **said,
        }

    rules = {
        "hr-high": pair(None, 120), "hr-low": pair(50, None),
        "spo2-low": pair(88, None, own=True, unit_low=90, wider=True), "spo2-desat": pair(80, None),
        "resp-high": pair(None, 30), "resp-low": pair(8, None),
        "nbp-sys-high": pair(None, 160), "nbp-sys-low": pair(90, None), "temp-high": pair(None, 39),
    }  # fmt: skip
    return {"patient": "p001", "limits": rules, "age_band": "adult", "ward": "3 West"}
