"""A patient's record: what comes back is what was written; what is damaged is refused; none is too long."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from table_model import enter

from clinical.limits import NEVER
from clinical.rules import RULES_MAX
from clinical.vitals import COUNT, SIGNALS, WINDOWED
from tables.changelog.progress import NOTHING, decode_progress, encode_progress
from tables.changelog.record import decode, encode
from tables.changelog.record_layout import (
    ALARM,
    CELL_BYTES,
    DEVICE,
    HEAD,
    LIMIT,
    PROFILE,
    READING,
    RECORD_BYTES_MAX,
    RUN,
    SIGNAL,
    alarm_key,
    position_of,
)
from tables.columns.log_columns import DEVICES
from tables.columns.stay_columns import COMMANDS
from tables.device_rows import FLICKER_SLOTS, NOBODY, PERIODIC_COUNT, SEEN, DeviceRows
from tables.patients import PatientTable
from tables.windows import BUCKET_MS, SAMPLES_MAX, SLOTS

ALARMS = ("hr-high", "spo2-low", "silent-device", "news2")
LIMITS = 2
"""How many of them, the first, are limit alarms."""

T0 = 1_600_000_000_000
seeds = st.integers(0, 2**32 - 1)


def keys_of(table):
    return np.array([alarm_key(alarm) for alarm in table.alarms], np.uint64)


def record_of(table, patient="bed-1"):
    return encode(table, np.array([table.row_of[patient]]), keys_of(table))[0]


def read(record, alarms=ALARMS, patient="bed-1", limits=LIMITS):
    table = PatientTable(alarms, limits)
    table.row("somebody else")
    unknown = decode(record, table, table.row(patient), {alarm_key(a): i for i, a in enumerate(alarms)})
    return table, unknown


def random_table(seed, alarms=ALARMS):
    """A table of three patients, each with some of everything that a row can hold."""
    rng = np.random.default_rng(seed)
    table = PatientTable(alarms, LIMITS)
    table.processed = int(rng.integers(NEVER, 10**9))
    for patient in ("bed-0", "bed-1", "bed-2"):
        row = table.row(patient)
        table.ticked_ms[row] = rng.integers(T0, 2 * T0)
        table.pushed_out_ms[row] = rng.choice([NEVER, T0])
        for slot in range(int(rng.choice([0, 1, 3, DEVICES]))):
            put_device(table, row, slot, rng)
        for alarm in np.flatnonzero(rng.random(len(alarms)) < 0.5).tolist():
            put_alarm(table, row, alarm, rng)
        if rng.random() < 0.5:
            put_profile(table, row, rng)
        seen = int(rng.integers(0, COMMANDS + 1))
        table.commands[row, :seen] = rng.integers(1, 2**64 - 1, seen, dtype=np.uint64)
        for alarm in np.flatnonzero(rng.random(LIMITS) < 0.3).tolist():
            table.alarm_low[row, alarm] = rng.choice([np.nan, 88.0])
            table.alarm_high[row, alarm] = rng.choice([np.nan, 130.0])
        n = int(rng.integers(0, 60))
        values = np.where(rng.random((n, COUNT)) < 0.2, rng.integers(0, 300, (n, COUNT)), np.nan)
        enter(table.windows, np.full(n, row), T0 + rng.integers(0, 10**6, n), values)
    return table


def put_device(table, row, slot, rng, share=0.4):
    """Give a patient a device that has measured this share of the signals, and runs under as many rules."""
    devices, high = table.devices, int(rng.choice([0, 5, SEEN - 1, SEEN, 10**6, 2**53 - 1]))
    at = table.slots[row, slot] = devices.take_row(row, int(rng.integers(1, 2**64 - 1, dtype=np.uint64)))
    devices.boot[at], devices.high[at] = rng.integers(0, 9), high
    devices.used[at] = rng.integers(0, 10**9)
    devices.interval_ms[at], devices.clock[at] = rng.integers(1, 86_400_000), rng.integers(0, 3)
    for name in (
        "event_ms",
        "append_ms",
        "heard_ms",
        "now_ms",
        "came_ms",
        "conflict_ms",
        "conflict_before_ms",
    ):
        getattr(devices, name)[at] = rng.choice([NEVER, T0, 2 * T0])
    for seq in {high, *(high - int(ago) for ago in rng.integers(0, SEEN, 20))}:
        if seq >= 0:
            devices.lap[at, seq % SEEN] = seq // SEEN % 65_535 + 1
            devices.digest[at, seq % SEEN] = rng.integers(0, 2**32)
    for signal in np.flatnonzero(rng.random(COUNT) < share).tolist():
        devices.newest_ms[at, signal] = rng.integers(T0, 2 * T0)
        devices.value[at, signal] = rng.choice([np.nan, 0.0, 36.6])
        devices.value_ms[at, signal], devices.lost_ms[at, signal] = rng.choice([NEVER, T0], 2)
    for rule in np.flatnonzero(rng.random(table.limits) < share).tolist():
        devices.run_onset_ms[at, rule], devices.run_clear_ms[at, rule] = T0, rng.choice([NEVER, T0])
        devices.run_area[at, rule], devices.run_excess_ms[at, rule] = rng.random(2) * 1000
        devices.has_excess[at] |= devices.run_excess_ms[at, rule] > 0
    if rng.random() < 0.5:
        devices.missing_ms[at] = devices.counted_ms[at] = T0
        devices.slot[at] = rng.integers(0, 10**9)
        shape = FLICKER_SLOTS, PERIODIC_COUNT
        for counts in (devices.came, devices.missed, devices.gaps):
            counts[at] = rng.integers(0, 2**16, shape)


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
    for name in ("since_ms", "known_ms", "pause_ms", "pause_until_ms"):
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
    for name in set(PatientTable.COLUMNS) - {"position", "dirty", "slots", "last_slot"}:
        then, now = (getattr(t, name)[row] for t, row in zip((table, again), rows, strict=True))
        assert np.array_equal(then, now, equal_nan=then.dtype.kind == "f"), name
    for name in ("bucket", "count", "sum"):
        then, now = (getattr(t.windows, name)[:, row] for t, row in zip((table, again), rows, strict=True))
        assert np.array_equal(then, now), name
    devices = [t.slots[row][t.slots[row] != NOBODY] for t, row in zip((table, again), rows, strict=True)]
    assert (again.devices.owner[devices[1]] == rows[1]).all()
    for name in set(DeviceRows.COLUMNS) - {"owner", "lap"}:
        then, now = (getattr(t.devices, name)[at] for t, at in zip((table, again), devices, strict=True))
        assert np.array_equal(then, now, equal_nan=then.dtype.kind == "f"), name


def test_runs_of_a_rule_that_is_gone_are_left_out_and_the_others_keep_their_device():
    table = PatientTable(ALARMS, LIMITS)
    row, rng = table.row("bed-1"), np.random.default_rng(0)
    for slot in range(3):
        put_device(table, row, slot, rng, share=1)
        table.devices.run_area[table.slots[row, slot]] = slot, 10 + slot
    again, _ = read(record_of(table), alarms=("spo2-low", "brand-new"))
    kept = again.slots[again.row_of["bed-1"], :3]
    assert again.devices.run_area[kept, 0].tolist() == [10, 11, 12]
    assert (again.devices.run_onset_ms[kept, 1] == NEVER).all()


def test_a_rule_that_limits_no_longer_has_no_runs():
    table = PatientTable(ALARMS, LIMITS)
    put_device(table, table.row("bed-1"), 0, np.random.default_rng(0), share=1)
    again, _ = read(record_of(table), limits=1)
    assert again.devices.run_onset_ms.shape[1] == 1
    assert again.devices.run_onset_ms[again.slots[again.row_of["bed-1"], 0], 0] == T0


def test_a_reading_of_a_device_that_the_record_does_not_have_is_refused():
    table = PatientTable(ALARMS, LIMITS)
    put_device(table, table.row("bed-1"), 0, np.random.default_rng(0), share=1)
    record = bytearray(record_of(table))
    for device in (1, DEVICES):
        record[HEAD.itemsize + DEVICE.itemsize] = device
        with pytest.raises(ValueError, match="damaged"):
            read(bytes(record))


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
    table = PatientTable(ALARMS, LIMITS)
    row = table.row("bed-1")
    values = np.full((1, COUNT), np.nan)
    values[0, 3] = 17
    enter(table.windows, np.array([row]), np.array([T0]), values)
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


@pytest.mark.parametrize("version", [0, 1, 5, 255])
def test_a_record_of_another_version_is_refused(version):
    record = bytes([version]) + record_of(random_table(1))[1:]
    with pytest.raises(ValueError, match="version 4"):
        read(record)
    with pytest.raises(ValueError, match="version 4"):
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
    table = PatientTable(ALARMS, LIMITS)
    row = table.row("bed-1")
    for alarm in range(len(ALARMS)):
        put_alarm(table, row, alarm, np.random.default_rng(alarm))
    again, unknown = read(record_of(table), alarms=("news2", "brand-new", "hr-high"))
    assert unknown == [alarm_key("spo2-low"), alarm_key("silent-device")]
    kept = again.row_of["bed-1"]
    assert again.alarm_onset_ms[kept, 2] == table.alarm_onset_ms[row, 0]
    assert again.alarm_onset_ms[kept, 0] == table.alarm_onset_ms[row, 3]
    assert again.alarm_state[kept, 1] == 0


def test_limits_of_a_rule_that_is_an_alarm_without_limits_now_are_left_out():
    table = PatientTable(ALARMS, LIMITS)
    row = table.row("bed-1")
    table.alarm_low[row] = 88
    again, unknown = read(record_of(table), limits=1)
    assert unknown == []
    assert again.alarm_low[again.row_of["bed-1"]].tolist() == [88]


def size_max(alarms):
    """Return the size of the largest possible record, bytes."""
    device = DEVICE.itemsize + COUNT * READING.itemsize + alarms * RUN.itemsize
    windows = WINDOWED * SIGNAL.itemsize + SLOTS * (4 + WINDOWED * sum(CELL_BYTES))
    of_patient = PROFILE.itemsize + alarms * (ALARM.itemsize + LIMIT.itemsize) + COMMANDS * 8
    return HEAD.itemsize + DEVICES * device + windows + of_patient


def test_the_largest_record_stays_below_its_bound():
    alarms = tuple(f"rule-{i}" for i in range(RULES_MAX + 2 + 2 * len(SIGNALS)))
    table = PatientTable(alarms, len(alarms))  # the bound takes every alarm for one with runs
    row = table.row("bed-1")
    rng = np.random.default_rng(0)
    for slot in range(DEVICES):
        put_device(table, row, slot, rng, share=1)
    for alarm in range(len(alarms)):
        put_alarm(table, row, alarm, rng)
    table.alarm_low[row], table.commands[row], table.since_ms[row] = 88, 7, T0
    times = T0 + np.arange(SLOTS) * BUCKET_MS
    enter(table.windows, np.full(SLOTS, row), times, np.full((SLOTS, COUNT), 300.0))
    table.windows.count[:, row] = SAMPLES_MAX
    record = record_of(table)
    assert len(record) == size_max(len(alarms)) <= RECORD_BYTES_MAX
    assert record_of(read(record, alarms, limits=len(alarms))[0]) == record


def test_the_end_of_a_checkpoint_says_how_far_the_state_reaches():
    table = PatientTable(ALARMS, LIMITS)
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
        table = PatientTable(ALARMS, LIMITS)
        enter(table.windows, table.rows(["bed-1"]), np.array([BUCKET_MS]), values)
        records.append(record_of(table))
    table = PatientTable(ALARMS, LIMITS)
    row = table.row("bed-1")
    for record in records:
        table.clear(row)
        decode(record, table, row, {})
    again = np.full((1, COUNT), np.nan)
    again[0, 0] = 60.0
    enter(table.windows, np.array([row]), np.array([BUCKET_MS]), again)
    stats = table.windows.query(np.array([row]), BUCKET_MS, 1)
    assert (stats.count[0, :2].tolist(), stats.high[0, :2].tolist()) == ([1, 1], [60.0, 90.0])
