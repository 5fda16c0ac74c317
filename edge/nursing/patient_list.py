"""Patients as a nurse reads them: the last frame, ward, alarms off, limits widened, NEWS2, what is open. Pure."""

from collections import Counter
from typing import Final

from edge.nursing.alarm_list import Row, lasting
from edge.ward_state import CANARY, SEVERITIES
from streams.contracts.alert import WARD
from streams.contracts.partition_names import PARTITION
from streams.contracts.patient_state import Patient

OLD_FRAME_S: Final = 60.0
"""A last frame that is older is pointed at; a bed's monitor sends one a second, our choice [M]."""


def is_somebody(patient: Patient) -> bool:
    """Tell whether a record is of a patient or a device on nobody, and not of a ward, a partition or a canary."""
    if patient.patient.startswith((WARD, PARTITION)):
        return False
    return not (patient.alarms and all(alarm.rule == CANARY for alarm in patient.alarms))


def seen(patient: Patient, now_ms: int) -> str:
    """Return how long ago the last frame came."""
    if patient.seen_ts_ms is None:
        return "no frame yet"
    return f"{lasting((now_ms - patient.seen_ts_ms) / 1000)} ago"


def is_old(patient: Patient, now_ms: int) -> bool:
    """Tell whether no frame has come for long."""
    return patient.seen_ts_ms is None or now_ms - patient.seen_ts_ms >= OLD_FRAME_S * 1000


def silenced(patient: Patient, now_ms: int) -> str:
    """Return the pause in force and what is left of it; empty without one."""
    if patient.pause is None:
        return ""
    if patient.pause_until_ts_ms is None:
        return patient.pause
    return f"{patient.pause}, {lasting((patient.pause_until_ts_ms - now_ms) / 1000)} left"


def early_warning(patient: Patient) -> str:
    """Return NEWS2 with what it lacks; `-` where there is none."""
    score = patient.scores.get("news2")
    if score is None:
        return "-"
    least = "at least " if score.missing else ""
    level = f", {score.band}" if score.band else ", too little measured"
    lacking = f", without {', '.join(score.missing)}" if score.missing else ""
    lacking += f", not measured now: {', '.join(score.old)}" if score.old else ""
    return f"NEWS2 {least}{score.total:g}{level}{lacking}"


def alarms_open(patient: Patient) -> str:
    """Return how many alarms are open by severity, most severe first; `quiet` without any."""
    counts = Counter(Row(patient, alarm).severity for alarm in patient.alarms)
    return ", ".join(f"{counts[name]} {name}" for name in SEVERITIES if counts[name]) or "quiet"


def notes(patient: Patient, now_ms: int) -> str:
    """Return what is not as usual, in one line; empty where all is."""
    found = [
        silenced(patient, now_ms),
        f"wider than the unit's: {', '.join(patient.limits_widened)}" if patient.limits_widened else "",
        "nobody has said the age" if patient.age_known is False else "",
    ]
    return "; ".join(part for part in found if part)
