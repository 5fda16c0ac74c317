"""Starts of limit alarms on recordings of real patients, against the table that came with the recordings."""

import csv

import pytest
from logs import Record, frame
from worker_model import WorkerModel

from agents.judging.reasons import Reason
from clinical.rules import LimitRule, News2Rules, RuleSet, TechnicalRules

BEGIN_S = 1_000  # one record begins a second before its 0, and a frame's time is never negative
MISSING = ("", "NaN")
SIGNALS = {"HR": "hr", "PULSE": "pulse", "RESP": "resp", "SpO2": "spo2"}
STARTS_S = {
    LimitRule("spo2-90-0", "spo2", low=90): {22: [48], 32: [0]},
    LimitRule("spo2-90-15", "spo2", low=90, delay_s=15): {32: [15]},
    LimitRule("spo2-88-15", "spo2", low=88, delay_s=15): {32: [15]},
    LimitRule("hr-120-0", "hr", high=120): {21: [35], 25: [0, 402, 410, 475]},
    LimitRule("hr-120-10", "hr", high=120, delay_s=10): {21: [45], 25: [10, 420]},
    LimitRule("hr-50-0", "hr", low=50): {},
    LimitRule("resp-30-0", "resp", high=30): {14: [459]},
    LimitRule("resp-8-0", "resp", low=8): {
        5: [164],
        13: [0, 48, 128, 181, 314],
        15: [392],
        19: [49, 64, 79],
        27: [212, 293, 308],
    },
    LimitRule("resp-8-15", "resp", low=8, delay_s=15): {13: [63, 143, 260, 329]},
}
RULES = RuleSet(tuple(STARTS_S), TechnicalRules(enabled=False), News2Rules(enabled=False))
EXPECTED = {
    (rule.id, f"bidmc_{number:02d}_Numerics", (BEGIN_S + at_s) * 1000)
    for rule, records in STARTS_S.items()
    for number, starts_s in records.items()
    for at_s in starts_s
}

pytestmark = [pytest.mark.recordings, pytest.mark.usefixtures("engine")]


@pytest.fixture(scope="module")
def values(recordings):
    """Frames of all records as (patient, bytes), second by second."""
    rows = [
        (BEGIN_S + round(row.pop("Time [s]")), path.stem, row)
        for path in recordings("bidmc/*_Numerics.csv")
        for row in cells_of(path)
    ]
    return [
        (
            patient,
            frame(
                patient, "monitor", at_s, at_s * 1000, **{SIGNALS[name]: cell for name, cell in row.items()}
            ),
        )
        for at_s, patient, row in sorted(rows, key=lambda one: one[:2])
    ]


def cells_of(path):
    with path.open(newline="") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            yield {name: None if cell.strip() in MISSING else float(cell) for name, cell in row.items()}


def log_of(values, times=1):
    copies = (value for value in values for _ in range(times))
    return [Record(i, 0, patient.encode(), value) for i, (patient, value) in enumerate(copies)]


def starts_of(worker):
    alerts = [alert for alert in worker.alerts.values() if alert.phase == "start"]
    starts = [(alert.rule, alert.patient, alert.event_ts_ms) for alert in alerts]
    assert len(starts) == len(set(starts))
    return set(starts)


@pytest.mark.parametrize("block", [1_000_000, 997, 32])
def test_the_alarms_of_the_table_start_and_no_others(values, block):
    log, worker = log_of(values), WorkerModel(RULES)
    for start in range(0, len(log), block):
        worker.take(log[start : start + block])
    assert starts_of(worker) == EXPECTED


@pytest.mark.parametrize("block", [1_000_000, 997])
def test_every_frame_sent_twice_starts_the_same_alarms(values, block):
    log, worker = log_of(values, times=2), WorkerModel(RULES)
    for start in range(0, len(log), block):
        worker.take(log[start : start + block])
    assert starts_of(worker) == EXPECTED
    assert not worker.rejects
    assert sum(tally.of(Reason.DUPLICATE) for tally in worker.tallies) == len(values)


@pytest.mark.parametrize("share", [0.04, 0.5, 0.9])
def test_a_restart_on_the_way_starts_the_same_alarms(values, share):
    log, worker, whole = log_of(values), WorkerModel(RULES), WorkerModel(RULES)
    saved = int(len(log) * share)
    died = min(saved + 777, len(log))
    worker.work(log, [(saved, "checkpoint", 0), (died, "restart", 0)])
    whole.take(log)
    assert starts_of(worker) == EXPECTED
    assert worker.alerts == whole.alerts
    assert worker.state() == whole.state()
    assert not worker.rejects
