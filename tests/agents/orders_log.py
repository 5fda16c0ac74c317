"""Random commands put into a log: for patients who are there and others, for alarms that are open and others."""

import json

from logs import PATIENTS, TTL_S, Record
from worker_model import WorkerModel

from clinical.lifecycle import is_open
from streams.alerts import episode_id
from streams.commands import COMMAND_KEY
from streams.frames import TICK_KEY

KINDS = (
    *("acknowledge",) * 5,
    *("accept", "reject", "reject", "pause", "pause", "pause", "resume"),
    *("set-limits", "set-limits", "set-limits", "set-profile", "admit", "transfer", "discharge"),
)
AGAIN_MS_MAX = (TTL_S - 20) * 1000
"""No older command is sent again: whoever was dropped meanwhile is a new patient."""

MODES = ("audio-paused", "audio-off", "alarm-paused", "alarm-paused", "alarm-off")


def with_orders(rng, log, rules, time, share=0.25):
    """Return the log with commands among its records; offsets are counted anew, with gaps.

    A worker follows the log while it grows, so that commands can name alarms that are open then.
    """
    follower, found, orders = WorkerModel(rules, time, patient_ttl_s=86_400), [], []
    for record in log:
        _append(follower, found, record.timestamp, record.key, record.value)
        if rng.random() < share:
            young = [value for value, sent_ms in orders if record.timestamp - sent_ms < AGAIN_MS_MAX]
            value = rng.choice(young) if young and rng.random() < 0.1 else None
            if value is None:
                now_ms = json.loads(record.value).get("tick_ts_ms") if record.key == TICK_KEY else None
                value = json.dumps(order(rng, follower, len(orders), now_ms or record.timestamp)).encode()
                orders.append((value, record.timestamp))
            _append(follower, found, record.timestamp, COMMAND_KEY, value)
    return found


def _append(follower, found, timestamp, key, value):
    found.append(Record(2 * len(found), timestamp, key, value))
    follower.take(found[-1:])


def order(rng, worker, number, now_ms):
    """Return a command that may or may not make sense in the state of the worker."""
    patient = rng.choice((*PATIENTS, *PATIENTS, *PATIENTS, "bed-9"))
    kind = rng.choice(KINDS)
    said = {"kind": kind, "id": f"c{number}", "patient": patient, "actor": "nurse-7", "issued_ts_ms": now_ms}
    if kind in ("acknowledge", "accept", "reject"):
        opened = open_episodes(worker, patient)
        said["episode"] = rng.choice(opened) if opened and rng.random() < 0.9 else "0" * 16
    elif kind == "pause":
        said |= {"mode": rng.choice(MODES), "seconds": rng.choice((1, 5, 30))}
    elif kind == "set-limits":
        said["rule"] = rng.choice([rule.id for rule in worker.judge.rules.limits] + ["rule-9"])
        said |= rng.choice(
            ({}, {"low": 51}, {"low": 86}, {"high": 124}, {"high": 141}, {"low": 0, "high": 500})
        )
    elif kind in ("set-profile", "admit"):
        said |= rng.choice(({}, {"ward": "icu"}, {"age_band": "neonate"}, {"age_band": "adult"}))
    elif kind == "transfer":
        said["ward"] = rng.choice(("icu", "ward-2"))
    return said


def open_episodes(worker, patient):
    """Return the episodes of a patient's open limit alarms."""
    table = worker.table
    if patient not in table.row_of:
        return []
    row, limits = table.row_of[patient], len(worker.judge.rules.limits)
    opened = is_open(table.alarm_state[row, :limits]).nonzero()[0].tolist()
    return [
        episode_id(patient, table.alarms[column], int(table.alarm_onset_ms[row, column])) for column in opened
    ]
