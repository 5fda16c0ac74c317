"""Writes golden records of a version: `PYTHONPATH=. .venv/bin/python tests/golden_writer.py tests/golden/NUMBER-NAME`.

With PYTHONPATH set to the checkout of another version it writes what that one wrote. A folder holds

- `records.json`: a record of each contract, as the version's own models write it,
- `patient.json`: a patient's state in the changelog, and what the version itself read in it,
- `schemas.json`: what the version takes for a record of each contract.

Versions that come later must read the first two (tests/test_golden.py), and write nothing that the newest folder's
schemas refuse. So only what every version has is used here.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np

from agents.judging.judge import Judge
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from streams.contracts.alert import Alert
from streams.contracts.association import (
    Association,
    Departure,
    Heard,
    Movement,
    NamedPlace,
    Placement,
    Visit,
)
from streams.contracts.audit import Audited
from streams.contracts.command import Answer, Sealed, Signed
from streams.contracts.deliveries import Assignment, Delivery
from streams.contracts.escalations import Told
from streams.contracts.frame import TICK_KEY, Frame, Tick, encode_tick
from streams.contracts.layout import Layout
from streams.contracts.partition_alerts import Note
from streams.contracts.patient_state import Heartbeat, Limits, Patient
from streams.contracts.reference import BedFacts, FormularyLine, WardFacts
from streams.contracts.rules_marks import RulesMark
from streams.contracts.ward import WardReport, WardRuling, WardState
from streams.decoding.decoder import Decoder
from streams.kafka.log_file import LoggedRecord
from streams.kafka.rules_log import Rules
from streams.published.messages import SEALED_EXAMPLE, SIGNED_EXAMPLE
from streams.published.schemas import documents
from tables.changelog.record import decode, encode
from tables.changelog.record_layout import READ, VERSION, alarm_key
from tables.device_rows import NOBODY, DeviceRows

T0 = 1_780_000_000_000
PATIENT = "bed-017"
SICK_S = range(60, 200)
STAY_S = 400

ALERT = {
    "id": "0011223344556677-2",
    "episode": "0011223344556677",
    "patient": PATIENT,
    "rule": "hr-high",
    "event": "MDC_EVT_HI",
    "phase": "start",
    "state": "active",
    "priority": "high",
    "source": {
        "kind": "signal",
        "name": "hr",
        "mdc": 147842,
        "loinc": "8867-4",
        "unit": "/min",
        "device": "mon-1",
    },
    "type": "physiological",
    "onset_ts_ms": T0,
    "event_ts_ms": T0 + 3_000,
    "append_ts_ms": T0 + 3_010,
    "decided_ts_ms": T0 + 3_020,
    "reason": "hr 171 is above 120",
    "evidence": {"value": 171.0, "high": 120.0, "delay_s": 3.0},
    "responsibility": {"step": 1, "to": "nurse", "status": "requested"},
}
OPEN = {
    "rule": "hr-high",
    "episode": "0011223344556677",
    "state": "active",
    "priority": "high",
    "onset_ts_ms": T0,
    "type": "physiological",
    "event": "MDC_EVT_HI",
    "signal": "hr",
    "value": 171.0,
}
SAID = {"reporter": "adt-1"}
RECORDS = {
    Frame: {
        "patient": PATIENT,
        "device": "mon-1",
        "boot": 3,
        "seq": 120_482,
        "event_ts_ms": T0,
        "interval_ms": 1000,
        "hr": 84,
        "spo2": None,
        "temp": 36.6,
        "on_oxygen": False,
        "consciousness": "A",
        "bounds": {"resp": {"comparator": ">", "value": 60}},
    },
    Tick: {"tick_ts_ms": T0},
    Alert: ALERT,
    Told: {"ward": "icu", "told_ts_ms": T0, "alert": ALERT},
    Signed: SIGNED_EXAMPLE,
    Sealed: SEALED_EXAMPLE,
    Answer: {
        "id": "7f0c2a",
        "patient": PATIENT,
        "command": "acknowledge",
        "outcome": "accepted",
        "reason": "known",
        "alerts": ["0011223344556677-3"],
        "offset": 17,
        "append_ts_ms": T0,
        "order_partition": 3,
        "order_offset": 5,
    },
    Audited: {
        "id": "a1",
        "at_ts_ms": T0,
        "person": "nurse-12",
        "role": "nurse",
        "station": "board",
        "act": "sign-in",
        "outcome": "granted",
    },
    Limits: {
        "patient": PATIENT,
        "limits": {"hr-high": {"low": None, "high": 130.0, "own": True}},
        "age_band": "adult",
        "age_known": True,
        "spo2_scale2": False,
        "expected_oxygen": None,
        "ward": "icu",
        "since_ts_ms": T0,
    },
    Patient: {
        "patient": PATIENT,
        "ward": "icu",
        "seen_ts_ms": T0,
        "pause": None,
        "pause_until_ts_ms": None,
        "alarms": [OPEN],
        "values": {"hr": {"value": 171.0, "ts_ms": T0}},
        "age_band": "adult",
        "scores": {"news2": {"total": 3.0, "band": "low", "missing": ["temp"], "old": [], "ts_ms": T0}},
    },
    Heartbeat: {
        "partition": 3,
        "worker": "host-1",
        "sent_ts_ms": T0,
        "judged_ts_ms": T0,
        "lag": 0,
        "open_alarms": 2,
        "waiting_s": 0.001,
        "windows": "127.0.0.1:4001",
    },
    WardReport: {
        "ward": "icu",
        "partition": 3,
        "tick_ts_ms": T0,
        "patients": 9,
        "silent": 1,
        "first_ts_ms": T0,
        "last_ts_ms": T0,
    },
    WardState: {
        "ward": "icu",
        "offset": 9,
        "state": "active",
        "onset_ts_ms": T0,
        "told_ts_ms": T0,
        "events": 2,
        "known_ts_ms": -1,
        "commands": ["7f0c2a"],
    },
    WardRuling: {"ward": "icu", "lost": True, "partition": 3, "offset": 9},
    Association: {
        "id": "as-1",
        "device": "mon-1",
        "patient": PATIENT,
        "from_ts_ms": T0,
        "until_ts_ms": None,
        **SAID,
        "source": "pcim",
        "validated": True,
    },
    Placement: {"id": "pl-1", "device": "mon-1", "place": "icu^1^a", "from_ts_ms": T0, **SAID},
    Movement: {
        "id": "m-1",
        "what": "admit",
        "patient": PATIENT,
        "place": "icu^1^a",
        "event_ts_ms": T0,
        **SAID,
    },
    Heard: {"event_ts_ms": T0, **SAID},
    Visit: {
        "id": "v-1",
        "patient": PATIENT,
        "stays": [{"place": "icu^1^a", "from_ts_ms": T0}],
        "event_ts_ms": T0,
        "version_ts_ms": T0,
        **SAID,
    },
    NamedPlace: {"id": "loc-1", "place": "icu^1^a", **SAID},
    Departure: {
        "patient": PATIENT,
        "device": "mon-1",
        "from_ts_ms": T0,
        "until_ts_ms": None,
        "withdrawn": True,
    },
    Assignment: {
        "place": "~ward/icu",
        "role": "nurse",
        "person": "nurse-12",
        "from_ts_ms": T0,
        "until_ts_ms": T0 + 28_800_000,
        "reporter": "head-1",
    },
    Delivery: {
        "id": "d1",
        "alert": "0011223344556677-2",
        "episode": "0011223344556677",
        "patient": PATIENT,
        "ward": "icu",
        "rule": "hr-high",
        "priority": "high",
        "step": 1,
        "recipient": "nurse-12",
        "channel": "pager",
        "milestone": "sent",
        "at_ts_ms": T0,
        "attempt": 1,
    },
    WardFacts: {"ward": "icu", "name": "Intensive care", "time_zone": "Europe/Berlin", "reporter": "head-1"},
    BedFacts: {"patient": PATIENT, "label": "17", "ward": "icu", "reporter": "head-1"},
    FormularyLine: {
        "ward": "icu",
        "age_band": "adult",
        "rule": "hr-high",
        "high": 130.0,
        "reason": "as agreed",
        "reporter": "head-1",
    },
    Note: {
        "rule": "records-gone",
        "topic": "vitals.readings",
        "partition": 3,
        "onset_ts_ms": T0,
        "first": 17,
        "end": 20,
    },
    RulesMark: {"group": "vigil", "number": 2},
    Layout: {
        "group": "vigil",
        "number": 2,
        "phase": "prepared",
        "generations": [{"number": 0, "factor": 1}, {"number": 1, "factor": 2}],
        "last_number": 1,
        "at_ts_ms": T0,
    },
    Rules: {
        "kind": "switch",
        "group": "vigil",
        "number": 2,
        "name": "0123456789ab",
        "file": "icu.toml",
        "text": "",
        "actor": "safety-1",
        "role": "engineer",
        "reason": "as agreed",
        "at_ts_ms": T0,
    },
}
"""A record of each published contract, by its model."""


def records():
    """Return each contract's record as its model writes it, by the contract's name."""
    return {
        model.__name__: model.model_validate_json(json.dumps(fields)).model_dump_json(exclude_unset=True)
        for model, fields in RECORDS.items()
    }


def schemas():
    """Return the schema of each contract, by its name in lower letters."""
    ending = ".schema.json"
    return {
        name.removesuffix(ending): json.loads(text)
        for name, text in documents().items()
        if name.endswith(ending)
    }


def judged():
    """Return a judge and its table after a stay with two devices, an alarm and a signal that is lost."""
    judge, decoder = Judge(DEFAULT_RULES, TimeRules(recorded=True), 86_400_000), Decoder()
    table, log = judge.new_table(), []
    for second in range(STAY_S):
        now_ms = T0 + 1000 * second
        for device in ("mon-1", "pump-2"):
            fields = {"patient": PATIENT, "device": device, "boot": 1, "seq": second, "event_ts_ms": now_ms}
            fields |= {
                "hr": 171 if second in SICK_S else 78 + second % 5,
                "spo2": None if second > 350 else 96,
            }
            fields |= {"resp": 15, "temp": 36.6} if device == "mon-1" else {}
            log.append(LoggedRecord(len(log), now_ms, PATIENT.encode(), json.dumps(fields).encode()))
        log.append(LoggedRecord(len(log), now_ms, TICK_KEY, encode_tick(now_ms)))
    judge.judge(table, decoder.decode(log))
    return judge, table


def keys_of(judge):
    """Return the keys of the alarms, in the order of their columns."""
    return np.array([alarm_key(alarm.id) for alarm in judge.alarms], np.uint64)


def read_back(judge, record):
    """Return a table into which the record was read, and the row."""
    table = judge.new_table()
    row = table.row(PATIENT)
    decode(record, table, row, {alarm_key(alarm.id): column for column, alarm in enumerate(judge.alarms)})
    return table, row


def state(judge, table, row):
    """Return what a table knows of a patient, by names: of columns, signals' places, and alarms."""
    ids = [alarm.id for alarm in judge.alarms]
    own = {name: getattr(table, name)[row] for name in table.COLUMNS if name not in ("slots", "used")}
    for name in [name for name in own if name.startswith("alarm_")]:
        own[name] = dict(zip(ids, np.asarray(own[name]).tolist(), strict=False))
    devices = []
    for at in table.slots[row][table.slots[row] != NOBODY].tolist():
        device = {name: getattr(table.devices, name)[at] for name in DeviceRows.COLUMNS if name != "owner"}
        for name in [name for name in device if name.startswith("run_")]:
            device[name] = dict(zip(ids, np.asarray(device[name]).tolist(), strict=False))
        devices.append(device)
    windows = {
        name: getattr(table.windows, name)[:, row] for name in ("bucket", "count", "sum", "low", "high")
    }
    return json.loads(json.dumps({"patient": own, "devices": devices, "windows": windows}, default=_plain))


def _plain(value):
    return value.decode() if isinstance(value, bytes) else np.asarray(value).tolist()


def patient():
    """Return the golden record of a patient, and what this version reads in it."""
    judge, table = judged()
    record = encode(table, np.array([table.row_of[PATIENT]]), keys_of(judge))[0]
    return {
        "writes": VERSION,
        "reads": sorted(READ),
        "record": base64.b64encode(record).decode(),
        "state": state(judge, *read_back(judge, record)),
    }


def main(folder):
    """Write the three files."""
    folder.mkdir(parents=True)
    for name, content in (("records", records()), ("patient", patient()), ("schemas", schemas())):
        text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
