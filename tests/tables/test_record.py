"""A patient's record: what comes back is what was written; what is damaged is refused; none is too long."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clinical.limits import NEVER
from clinical.rules import RULES_MAX
from clinical.vitals import COUNT, SIGNALS
from tables.columns import COMMANDS, DEVICES, SEEN
from tables.patients import PatientTable
from tables.progress import NOTHING, decode_progress, encode_progress
from tables.record import decode, encode
from tables.record_layout import RECORD_BYTES_MAX, alarm_key, position_of, size_max
from tables.windows import BUCKET_MS, SAMPLES_MAX, SLOTS

ALARMS = ("hr-high", "spo2-low", "silent-device", "news2")
T0 = 1_600_000_000_000
seeds = st.integers(0, 2**32 - 1)


def keys_of(table):
    return np.array([alarm_key(alarm) for alarm in table.alarms], np.uint64)


def record_of(table, patient="bed-1"):
    return encode(table, np.array([table.row_of[patient]]), keys_of(table))[0]


def read(record, alarms=ALARMS, patient="bed-1"):
    table = PatientTable(alarms)
    table.row("somebody else")
    unknown = decode(record, table, table.row(patient), {alarm_key(a): i for i, a in enumerate(alarms)})
    return table, unknown


def random_table(seed, alarms=ALARMS):
    """A table of three patients, each with some of everything that a row can hold."""
    rng = np.random.default_rng(seed)
    table = PatientTable(alarms)
    table.processed = int(rng.integers(NEVER, 10**9))
    for patient in ("bed-0", "bed-1", "bed-2"):
        row = table.row(patient)
        table.seen_ms[row], table.ticked_ms[row] = rng.integers(T0, 2 * T0, 2)
        table.interval_ms[row] = rng.integers(1, 86_400_000)
        for slot in range(int(rng.integers(0, DEVICES + 1))):
            put_device(table, row, slot, rng)
        for signal in np.flatnonzero(rng.random(COUNT) < 0.4).tolist():
            table.newest_ms[row, signal] = rng.integers(T0, 2 * T0)
            table.value[row, signal] = rng.choice([np.nan, 0.0, 36.6])
            table.value_ms[row, signal] = rng.choice([NEVER, T0])
            table.lost_ms[row, signal] = rng.choice([NEVER, T0])
        for alarm in np.flatnonzero(rng.random(len(alarms)) < 0.5).tolist():
            put_alarm(table, row, alarm, rng)
        if rng.random() < 0.5:
            put_profile(table, row, rng)
        seen = int(rng.integers(0, COMMANDS + 1))
        table.commands[row, :seen] = rng.integers(1, 2**64 - 1, seen, dtype=np.uint64)
        for alarm in np.flatnonzero(rng.random(len(alarms)) < 0.3).tolist():
            table.alarm_low[row, alarm] = rng.choice([np.nan, 88.0])
            table.alarm_high[row, alarm] = rng.choice([np.nan, 130.0])
        n = int(rng.integers(0, 60))
        values = np.where(rng.random((n, COUNT)) < 0.2, rng.integers(0, 300, (n, COUNT)), np.nan)
        table.windows.add(np.full(n, row), T0 + rng.integers(0, 10**6, n), values)
    return table


def put_device(table, row, slot, rng):
    high = int(rng.choice([0, 5, SEEN - 1, SEEN, 10**6, 2**53 - 1]))
    table.device[row, slot] = rng.integers(1, 2**64 - 1, dtype=np.uint64)
    table.device_high[row, slot] = high
    table.device_used[row, slot] = rng.integers(0, 10**9)
    table.device_event_ms[row, slot], table.device_append_ms[row, slot] = rng.integers(0, T0, 2)
    for seq in {high, *(high - int(ago) for ago in rng.integers(0, SEEN, 20))}:
        if seq >= 0:
            table.device_lap[row, slot, seq % SEEN] = seq // SEEN % 65_535 + 1


def put_alarm(table, row, alarm, rng):
    table.alarm_state[row, alarm] = rng.integers(1, 3)
    table.alarm_priority[row, alarm] = rng.integers(0, 3)
    table.alarm_events[row, alarm] = rng.integers(0, 2**32)
    table.alarm_onset_ms[row, alarm] = rng.integers(T0, 2 * T0)
    table.alarm_clear_ms[row, alarm] = rng.choice([NEVER, T0])
    table.alarm_told_ms[row, alarm] = rng.integers(T0, 2 * T0)
    table.alarm_extreme[row, alarm] = rng.choice([np.nan, 41.5])
    table.alarm_step[row, alarm] = rng.integers(0, 4)
    table.alarm_answer[row, alarm] = rng.integers(0, 4)
    table.alarm_asked_ms[row, alarm] = rng.choice([NEVER, T0])
    table.alarm_known[row, alarm] = rng.choice([np.nan, 55.0])
    table.alarm_paused[row, alarm] = rng.integers(0, 3)


def put_profile(table, row, rng):
    table.age_band[row], table.pause[row] = rng.integers(0, 8), rng.integers(0, 5)
    table.scale2[row], table.oxygen[row] = rng.random() < 0.5, rng.choice([np.nan, 0.0, 1.0])
    table.own_limits[row], table.discharged[row] = rng.random(2) < 0.5
    table.ward[row] = rng.choice([b"", b"icu-2", b"w" * 64])
    table.pause_actor[row] = rng.choice([b"", b"nurse-7", b"n" * 64])
    for name in ("since_ms", "pause_ms", "pause_until_ms"):
        getattr(table, name)[row] = rng.choice([NEVER, T0])


@settings(max_examples=150, deadline=None)
@given(seed=seeds)
def test_writing_reading_and_writing_again_gives_the_same_bytes(seed):
    table = random_table(seed)
    for patient in table.row_of:
        record = record_of(table, patient)
        again, unknown = read(record, patient=patient)
        assert record_of(again, patient) == record
        assert unknown == []


@settings(max_examples=150, deadline=None)
@given(seed=seeds)
def test_reading_brings_back_every_column(seed):
    table = random_table(seed)
    again, _ = read(record_of(table))
    rows = table.row_of["bed-1"], again.row_of["bed-1"]
    for name in set(PatientTable.COLUMNS) - {"position", "dirty", "device_lap"}:
        then, now = (getattr(t, name)[row] for t, row in zip((table, again), rows, strict=True))
        assert np.array_equal(then, now, equal_nan=then.dtype.kind == "f"), name
    for name in ("bucket", "count", "sum"):
        then, now = (getattr(t.windows, name)[:, row] for t, row in zip((table, again), rows, strict=True))
        assert np.array_equal(then, now), name


def test_rows_are_written_alike_alone_and_together():
    table = random_table(7)
    rows = np.array([table.row_of[p] for p in ("bed-2", "bed-0", "bed-1")])
    together = encode(table, rows, keys_of(table))
    assert together == [record_of(table, patient) for patient in ("bed-2", "bed-0", "bed-1")]


def test_the_position_is_the_last_offset_that_the_state_contains():
    table = random_table(1)
    table.processed = 41
    assert position_of(record_of(table)) == 41
    table.position[table.row_of["bed-1"]] = 99  # recovered ahead of the partition
    assert position_of(record_of(table)) == 99


def test_readings_that_were_too_late_to_be_judged_are_kept():
    table = PatientTable(ALARMS)
    row = table.row("bed-1")
    values = np.full((1, COUNT), np.nan)
    values[0, 3] = 17
    table.windows.add(np.array([row]), np.array([T0]), values)
    again, _ = read(record_of(table))
    assert again.windows.query(np.array([again.row_of["bed-1"]]), T0, 1).mean[0, 3] == 17


@settings(max_examples=100, deadline=None)
@given(seed=seeds, keep=st.floats(0, 1, exclude_max=True))
def test_a_record_that_is_cut_short_is_refused(seed, keep):
    record = record_of(random_table(seed))
    with pytest.raises(ValueError, match="record"):
        read(record[: int(len(record) * keep)])


@settings(max_examples=50, deadline=None)
@given(seed=seeds, more=st.binary(min_size=1, max_size=40))
def test_a_record_with_something_after_it_is_refused(seed, more):
    with pytest.raises(ValueError, match="damaged"):
        read(record_of(random_table(seed)) + more)


@pytest.mark.parametrize("version", [0, 1, 4, 255])
def test_a_record_of_another_version_is_refused(version):
    record = bytes([version]) + record_of(random_table(1))[1:]
    with pytest.raises(ValueError, match="version 3"):
        read(record)
    with pytest.raises(ValueError, match="version 3"):
        position_of(record)


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 20), place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
@example(seed=1, place=0.0, byte=1)
def test_a_damaged_record_is_refused_or_read_but_never_breaks_the_reader(seed, place, byte):
    record = bytearray(record_of(random_table(seed)))
    record[int(len(record) * place)] = byte
    try:
        read(bytes(record))
    except ValueError as error:
        assert "record" in str(error)  # noqa: PT017 - reading it is fine too


def test_alarms_whose_rule_is_gone_are_reported_and_the_others_kept():
    table = PatientTable(ALARMS)
    row = table.row("bed-1")
    for alarm in range(len(ALARMS)):
        put_alarm(table, row, alarm, np.random.default_rng(alarm))
    again, unknown = read(record_of(table), alarms=("news2", "brand-new", "hr-high"))
    assert unknown == [alarm_key("spo2-low"), alarm_key("silent-device")]
    kept = again.row_of["bed-1"]
    assert again.alarm_onset_ms[kept, 2] == table.alarm_onset_ms[row, 0]
    assert again.alarm_onset_ms[kept, 0] == table.alarm_onset_ms[row, 3]
    assert again.alarm_state[kept, 1] == 0


def test_the_largest_record_stays_below_its_bound():
    alarms = tuple(f"rule-{i}" for i in range(RULES_MAX + 2 + len(SIGNALS)))
    table = PatientTable(alarms)
    row = table.row("bed-1")
    rng = np.random.default_rng(0)
    for slot in range(DEVICES):
        put_device(table, row, slot, rng)
    for alarm in range(len(alarms)):
        put_alarm(table, row, alarm, rng)
    table.alarm_low[row], table.commands[row], table.since_ms[row] = 88, 7, T0
    table.newest_ms[row] = T0
    times = T0 + np.arange(SLOTS) * BUCKET_MS
    table.windows.add(np.full(SLOTS, row), times, np.full((SLOTS, COUNT), 300.0))
    table.windows.count[:, row] = SAMPLES_MAX
    record = record_of(table)
    assert len(record) == size_max(len(alarms)) <= RECORD_BYTES_MAX
    assert record_of(read(record, alarms)[0]) == record


def test_the_end_of_a_checkpoint_says_how_far_the_state_reaches():
    table = PatientTable(ALARMS)
    assert decode_progress(encode_progress(table)) == NOTHING
    table.processed, table.ticked_until_ms, table.whole_from = 12, T0, 40
    record = encode_progress(table)
    assert decode_progress(record) == (12, T0, 40)
    for wrong in (b"", record[:-1], record + b"x", b"\x07" + record[1:]):
        with pytest.raises(ValueError, match="version 2"):
            decode_progress(wrong)


def test_a_record_read_into_a_row_that_held_another_leaves_nothing_of_that():
    first, second = np.full((1, COUNT), np.nan), np.full((1, COUNT), np.nan)
    first[0, 0], second[0, 1] = 300.0, 90.0
    records = []
    for values in (first, second):
        table = PatientTable(ALARMS)
        table.windows.add(table.rows(["bed-1"]), np.array([BUCKET_MS]), values)
        records.append(record_of(table))
    table = PatientTable(ALARMS)
    row = table.row("bed-1")
    for record in records:
        table.clear(row)
        decode(record, table, row, keys_of(table))
    again = np.full((1, COUNT), np.nan)
    again[0, 0] = 60.0
    table.windows.add(np.array([row]), np.array([BUCKET_MS]), again)
    stats = table.windows.query(np.array([row]), BUCKET_MS, 1)
    assert (stats.count[0, :2].tolist(), stats.high[0, :2].tolist()) == ([1, 1], [60.0, 90.0])
