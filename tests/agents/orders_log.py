"""Random commands put into a log: for patients who are there and others, for alarms that are open and others."""

import json
from dataclasses import replace
from itertools import count

from logs import PATIENTS, START_MS, TTL_S, Record, order_record
from plain.house import House
from signing import commanded, person

from clinical.rules import AGE_BANDS
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY
from streams.contracts.people import ROLES
from streams.contracts.seals import Seals

KINDS = (
    *("acknowledge",) * 5,
    *("accept", "reject", "reject", "pause", "pause", "pause", "resume"),
    *("set-limits", "set-limits", "set-profile", "set-profile", "admit", "transfer", "discharge"),
    "break-glass",
)
KNOWING = (
    *("acknowledge",) * 5,
    *("pause",) * 3,
    *("resume",) * 2,
    *("set-limits",) * 4,
    "accept",
    "set-profile",
)
"""What is ordered while patients stay."""

AGAIN_MS_MAX = (TTL_S - 20) * 1000
"""No older command is sent again: its patient may have been forgotten, and another of that name is a new one."""

MODES = ("audio-paused", "audio-off", "alarm-paused", "alarm-paused", "alarm-off")


LIMITS = (
    *({}, {}, {"low": 51}, {"low": 86}, {"low": 84}, {"low": 81}, {"low": 45}, {"low": 42}, {"low": 38}),
    *({"high": 124}, {"high": 141}, {"high": 135}, {"high": 158}, {"high": 39.6}, {"high": 40.4}),
    *({"low": 35, "high": 160}, {"low": 0, "high": 500}),
)
"""Tighter than the rules', wider, past half the way to the bound, at it and beyond."""

PROFILES = (
    {"expected_oxygen": True},
    {"expected_oxygen": False},
    {"spo2_scale2": True, "reason": "as ordered"},
    {"spo2_scale2": False, "reason": "as ordered"},
)


def admissions(patients, ward):
    """Return records that admit patients to a ward, at the start of a log."""
    said = {"kind": "admit", "actor": "clerk", "issued_ts_ms": START_MS, "ward": ward}
    orders = [{**said, "id": f"admit-{patient}", "patient": patient} for patient in patients]
    return [order_record(i, START_MS, order) for i, order in enumerate(orders)]


def with_forgeries(rng, log, share=0.03):
    """Return the log with records among its own that would be orders, but prove nothing; offsets are counted anew."""
    found = []
    for record in log:
        found.append(replace(record, offset=2 * len(found)))
        if rng.random() < share:
            offset = 2 * len(found)
            order = {"kind": "discharge", "id": f"f{offset}", "patient": rng.choice(PATIENTS), "actor": "x"}
            said = json.dumps({**order, "issued_ts_ms": record.timestamp}).encode()
            forged = order_record(offset, record.timestamp, said, Seals([b"guessed" * 5])).value
            value = rng.choice((b"", b"{}", said, forged))
            found.append(Record(offset, record.timestamp, COMMAND_KEY, value))
    return found


def with_orders(rng, log, rules, time, patient_ttl_s=86_400, share=0.2, kinds=KINDS, **place):
    """Return the log with commands among its records; offsets are counted anew, with gaps.

    The plain judge follows the log while it grows, so that commands can name alarms that are open then.
    """
    follower, found, orders = House(rules, time.recorded, patient_ttl_s, **place), [], []
    numbers = count()
    for record in log:
        _append(follower, found, record.timestamp, record.key, record.value)
        if rng.random() < share:
            young = [value for value, sent_ms in orders if record.timestamp - sent_ms < AGAIN_MS_MAX]
            if young and rng.random() < 0.1:
                _order(follower, found, record.timestamp, rng.choice(young))
                continue
            now_ms = json.loads(record.value).get("tick_ts_ms") if record.key == TICK_KEY else None
            said = order(rng, follower, next(numbers), now_ms or record.timestamp, kinds)
            value = commanded(said, somebody(rng))
            _order(follower, found, record.timestamp, value)
            orders.append((value, record.timestamp))
    return found


def _append(follower, found, timestamp, key, value):
    found.append(Record(2 * len(found), timestamp, key, value))
    follower.take(found[-1])


def _order(follower, found, timestamp, value):
    found.append(order_record(2 * len(found), timestamp, value))
    follower.take(found[-1])


def order(rng, house, number, now_ms, kinds=KINDS):
    """Return a command that may or may not make sense in the state of the house."""
    patient, kind = rng.choice((*PATIENTS, *house.beds, *house.beds, "bed-9")), rng.choice(kinds)
    said = {"kind": kind, "id": f"c{number}", "patient": patient, "actor": "nurse-7", "issued_ts_ms": now_ms}
    if kind in ("acknowledge", "accept", "reject"):
        opened = open_episodes(house, patient)
        said["episode"] = rng.choice(opened) if opened and rng.random() < 0.9 else "0" * 16
    elif kind == "pause":
        mode = rng.choice(MODES)
        said |= {
            "mode": mode,
            **({"reason": "transport"} if mode.endswith("off") else {"seconds": rng.choice((1, 5, 30))}),
        }
    elif kind == "set-limits":
        rule = rng.choice(house.rules.limits)
        sides = {side for side in ("low", "high") if getattr(rule, side) is not None}
        fitting = [limits for limits in LIMITS if limits.keys() <= sides]
        said["rule"] = rng.choice((*(rule.id,) * 9, "rule-9"))
        said |= rng.choice((*fitting, rng.choice(LIMITS))) | rng.choice(({}, {"reason": "as ordered"}))
    elif kind in ("set-profile", "admit"):
        said |= rng.choice(
            ({}, {"ward": "icu"}, {"age_band": "neonate"}, {"age_band": rng.choice(AGE_BANDS)})
        )
        if kind == "set-profile":
            said |= rng.choice(PROFILES)
    elif kind == "transfer":
        said["ward"] = rng.choice(("icu", "ward-2"))
    elif kind == "break-glass":
        said["reason"] = "to help out"
    return said


def somebody(rng):
    """Return who orders: mostly a nurse of every ward, else anybody of any wards, with broken glass or not."""
    if rng.random() < 0.7:
        return person()
    wards = rng.choice((["*"], ["icu"], ["icu"], ["ward-2", "icu"], ["er"], []))
    glass = rng.choice(("", "", "called to help"))
    return person("nurse-7", rng.choice((*ROLES, "nurse", "nurse", "nurse")), wards, break_glass=glass)


def open_episodes(house, patient):
    """Return the episodes of a patient's open alarms."""
    bed = house.beds.get(patient)
    return [bed.episode(alarm) for alarm in bed.open_alarms()] if bed else []
