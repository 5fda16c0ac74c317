"""What boards show of a patient, in plain Python, but for words: open alarms with their numbers, values, scores."""

from math import isfinite

from plain.widened import rules_widened

from clinical.vitals import SIGNALS


def shown(house, bed):
    """Return what boards show of a patient, None of one who has left and has no open alarm."""
    has_ended = bed.name.startswith("~device/") and not bed.heard()
    if (bed.discharged or has_ended) and not bed.open_alarms():
        return None
    now_ms = max(house.ticked, -1 if bed.heard_ms is None else bed.heard_ms)
    last = {signal.name: bed.latest(signal.name) for signal in SIGNALS}
    return {
        "patient": bed.name,
        "ward": bed.ward,
        "seen_ts_ms": bed.heard_ms,
        "pause": bed.pause or None,
        "pause_until_ts_ms": bed.pause_until,
        "limits_widened": rules_widened(house.rules.limits, bed),
        "alarms": [shown_alarm(house, bed, alarm, now_ms) for alarm in bed.open_alarms()],
        "values": {
            name: {"value": device.value[name], "ts_ms": device.value_ms[name]}
            for name, device in last.items()
            if device and device.value[name] is not None
        },
        "scores": dict(scores_of(house.scores, bed, now_ms)),
        "age_band": bed.band,
        "age_known": bed.age_is_known,
        "spo2_scale2": bed.scale2,
        "judged_ts_ms": None,  # a worker says it of blocks, which there are none of here
    }


def shown_alarm(house, bed, alarm, now_ms):
    rule = next((rule for rule in house.rules.limits if rule.id == alarm.rule), None)
    numbers = {"value": None, "extreme": None, "bound": None}
    if rule is not None:
        device = bed.latest(rule.signal)
        low, high = (side if isfinite(side) else None for side in house.limits.limits(bed, rule))
        value = device and device.value[rule.signal]
        worst = {"extreme": None if alarm.bound else alarm.worst, "bound": alarm.bound or None}
        numbers = {"value": value, **worst, "low": low, "high": high}
    elif score := house.scores.again(bed, alarm, now_ms):
        numbers["value"] = score[0]
    return {
        "rule": alarm.rule,
        "episode": bed.episode(alarm),
        "state": alarm.stands,
        "priority": alarm.priority,
        "onset_ts_ms": alarm.onset,
        "paused": bed.covered(alarm) or None,
        "asked": (alarm.step, alarm.status) if alarm.step else None,
        **numbers,
    }


def scores_of(scores, bed, now_ms):
    """Yield each score that is made for the patient's age and has any input, and whether its level can be said."""
    for rule in scores.rules:
        if (bed.band == "adult") == (rule.id == "pews"):
            continue
        level, (total, missing) = scores.score(bed, rule, now_ms)
        points = scores.points(bed, rule, now_ms, keep=rule.id != "shock-index")[0]
        if len(missing) < len(points):
            yield rule.id, {"total": total, "missing": list(missing), "is_known": level is not None}


def without_words(record):
    """Return what a worker wrote, cut down to what is said here."""
    if record is None:
        return None
    return {
        **record,
        "alarms": [plainly(alarm) for alarm in record["alarms"]],
        "scores": {
            name: {key: score[key] for key in ("total", "missing")} | {"is_known": score["band"] is not None}
            for name, score in record["scores"].items()
        },
    }


def plainly(alarm):
    words = {"type", "event", "signal", "unit", "reason", "acknowledged_by"}
    is_limit = (
        alarm["type"] == "physiological"
        and alarm["signal"] is not None
        and (alarm["extreme"] is not None or alarm["bound"] is not None)
    )
    words |= set() if is_limit else {"low", "high"}
    asked = alarm["asked"]
    said = {name: value for name, value in alarm.items() if name not in words}
    return said | {"asked": asked and (asked["step"], asked["status"])}
