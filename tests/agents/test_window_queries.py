"""A reading that arrived is in the window queries: frames through the judge, windows against plain Python."""

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from logs import PATIENTS, START_MS, frame_record

from agents.judging.judge import Judge
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.vitals import INDEX
from streams.decoding.decoder import Decoder
from tables.windows import BUCKET_MS

PLAUSIBLE = {"hr": (1, 350), "spo2": (1, 100)}

arrivals = st.lists(
    st.tuples(
        st.sampled_from(PATIENTS),
        st.sampled_from((0, 1_000, 1_000, 1_000, 20_000, 130_000)),  # since the frame before, ms
        st.sampled_from((0, 0, 0, 2_000, 45_000, 400_000)),  # how late, ms
        st.dictionaries(st.sampled_from(("hr", "spo2")), st.sampled_from((None, 0, 55, 72.5, 99, 400))),
        st.sampled_from((1, 1, 1, 2)),  # copies
    ),
    max_size=60,
)


def log_of(drawn):
    """Return the log's records and its distinct frames as (patient, time in ms, readings)."""
    records, frames, now, offset = [], [], START_MS + 1_000_000, count()
    for seq, (patient, step_ms, late_ms, readings, copies) in enumerate(drawn):
        now += step_ms
        frames.append((patient, now - late_ms, readings))
        records += [
            frame_record(next(offset), now, patient, seq=seq, event_ms=now - late_ms, **readings)
            for _ in range(copies)
        ]
    return records, frames, now


def plainly(frames, patient, signal, now_ms, minutes):
    low, high = PLAUSIBLE[signal]
    first = now_ms // BUCKET_MS - minutes * 60_000 // BUCKET_MS
    inside = [
        readings[signal]
        for who, ms, readings in frames
        if who == patient
        and readings.get(signal) is not None
        and low <= readings[signal] <= high
        and first <= ms // BUCKET_MS <= now_ms // BUCKET_MS
    ]
    return (len(inside), sum(inside) / len(inside), min(inside), max(inside)) if inside else (0,)


@hypothesis(max_examples=60, deadline=None)
@given(drawn=arrivals, run=st.integers(1, 25))
def test_every_reading_of_the_log_is_in_the_windows_of_its_time(drawn, run):
    records, frames, now_ms = log_of(drawn)
    judge, decoder = Judge(DEFAULT_RULES, TimeRules(recorded=True), 86_400_000), Decoder()
    table = judge.new_table()
    for start in range(0, len(records), run):
        judge.judge(table, decoder.decode(records[start : start + run]))
    for patient in {frame[0] for frame in frames}:
        for minutes in (1, 5, 15):
            stats = table.windows.query(np.array([table.row_of[patient]]), now_ms, minutes)
            for signal in PLAUSIBLE:
                expected = plainly(frames, patient, signal, now_ms, minutes)
                found = [part[0, INDEX[signal]] for part in (stats.count, stats.mean, stats.low, stats.high)]
                assert found[: len(expected)] == pytest.approx(expected)
