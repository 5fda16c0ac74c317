"""Records of the versions before are read as what they said; what they lacked is as in an empty row."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from test_record import ALARMS, LIMITS, T0, random_table, read, record_of, seeds

from clinical.lifecycle import State
from clinical.limits import NEVER
from clinical.vitals import COUNT, INDEX
from tables.changelog.record_layout import (
    ALARM_BEFORE,
    CELL_BYTES,
    DEVICE_BEFORE,
    HEAD,
    HEAD_BEFORE,
    LIMIT,
    PROFILE_BEFORE,
    PROFILE_WITHOUT_KNOWN,
    SIGNAL_BEFORE,
    UNNAMED,
    VERSION,
    WITHOUT_KNOWN,
    alarm_key,
    encode_gone,
    is_gone,
    position_of,
    upgraded,
)
from tables.device_rows import NOBODY, DeviceRows

KEYS = [alarm_key(alarm) for alarm in ALARMS]


def before(devices=(), signals=(), alarms=(), profiles=(), limits=(), commands=(), slots=0, **head):
    """Return a record as version 2 wrote it; entries are by the names of its fields, windows hold noughts."""
    entries = {
        "devices": filled(DEVICE_BEFORE, devices, event_ms=NEVER, append_ms=NEVER),
        "signals": filled(SIGNAL_BEFORE, signals, newest_ms=NEVER, value_ms=NEVER, lost_ms=NEVER),
        "alarms": filled(ALARM_BEFORE, alarms, clear_ms=NEVER, asked_ms=NEVER),
        "windows": bytes(4 * slots + slots * len(signals) * sum(CELL_BYTES)),
        "profiles": filled(PROFILE_BEFORE, profiles),
        "limits": filled(LIMIT, limits),
        "commands": np.array(commands, np.uint64).tobytes(),
    }
    sizes = {"devices": devices, "signals": signals, "alarms": alarms, "profiles": profiles}
    counts = {name: len(given) for name, given in {**sizes, "limits": limits, "commands": commands}.items()}
    start = filled(HEAD_BEFORE, [{"version": 2, "interval_ms": 1000, "slots": slots, **counts, **head}])
    return b"".join((start, *entries.values()))


def filled(layout, entries, **empty):
    found = np.zeros(len(entries), layout)
    for i, entry in enumerate(entries):
        for name, value in {**empty, **entry}.items():
            found[name][i] = value
    return found.tobytes()


def random_before(seed):
    """Return a record of version 2 with some of everything, and what was put into it."""
    rng = np.random.default_rng(seed)
    signals = [
        {"signal": i, "value": 36.5, "newest_ms": T0 + i, "value_ms": T0, "lost_ms": rng.choice([NEVER, T0])}
        for i in np.flatnonzero(rng.random(COUNT) < 0.4).tolist()
    ]
    alarms = [
        {"key": key, "state": State.ACTIVE, "onset_ms": T0, "told_ms": T0 + 5, "extreme": 41.5, "events": 3}
        for key in KEYS
        if rng.random() < 0.5
    ]
    profile = {"scale2": True, "ward": b"icu-2", "oxygen": 1.0, "since_ms": T0, "pause_ms": NEVER}
    return before(
        devices=[{"name": 9, "high": 5}] * int(rng.integers(0, 5)),
        signals=signals,
        alarms=alarms,
        profiles=[profile] * int(rng.integers(0, 2)),
        limits=[{"key": KEYS[0], "low": np.nan, "high": 130.0}] * int(rng.integers(0, 2)),
        commands=[7, 8][: int(rng.integers(0, 3))],
        slots=int(rng.integers(0, 3)),
        position=41,
        seen_ms=T0,
        ticked_ms=T0 + 1,
        interval_ms=30_000,
    )


def device_of(table):
    """Return the row of the only device of the patient who was read."""
    slots = table.slots[table.row_of["bed-1"]]
    assert np.count_nonzero(slots != NOBODY) == 1
    return slots[0]


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_record_of_version_2_is_read_and_what_is_written_then_says_the_same(seed):
    record = random_before(seed)
    now = upgraded(record, frozenset(KEYS[:LIMITS]))
    assert (now[0], position_of(now)) == (VERSION, position_of(record))
    assert upgraded(now, frozenset(KEYS[:LIMITS])) == now
    table, unknown = read(record)
    assert unknown == []
    table.processed = position_of(record)
    written = record_of(table)
    again, _ = read(written)
    again.processed = table.processed
    assert record_of(again) == written


def without_known(record):
    """Return a record that says nothing of `known_ms` as version 3 wrote it."""
    head = np.frombuffer(record, HEAD, 1)[0]
    at = len(record) - int(head["limits"]) * LIMIT.itemsize - int(head["commands"]) * 8
    profile = record[: at - 8] if head["profiles"] else record[:at]
    assert PROFILE_WITHOUT_KNOWN.itemsize == 214
    return bytes((WITHOUT_KNOWN,)) + profile[1:] + record[at:]


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_record_of_version_3_says_the_same_in_this_one(seed):
    table = random_table(seed)
    for patient, row in table.row_of.items():
        table.known_ms[row] = NEVER
        record = record_of(table, patient)
        old = without_known(record)
        assert position_of(old) == position_of(record)
        again, unknown = read(old, patient=patient)
        assert (record_of(again, patient), unknown) == (record, [])
        with pytest.raises(ValueError, match="damaged"):
            read(old[:-1])


def test_who_was_known_by_an_order_alone_is_known_since_then():
    table, _ = read(before(position=41))
    row = table.row_of["bed-1"]
    table.since_ms[row] = NEVER - 1 - T0  # how version 3 said it
    again, _ = read(without_known(record_of(table)))
    row = again.row_of["bed-1"]
    assert (again.since_ms[row], again.known_ms[row]) == (NEVER, T0)


def test_what_was_the_patient_s_becomes_that_of_one_device_without_a_name():
    signal = {"signal": INDEX["spo2"], "value": 70.0, "newest_ms": T0, "value_ms": T0 + 1, "lost_ms": T0 + 2}
    two = [{"name": 9, "high": 5, "used": 3}, {"name": 10, "high": 7, "used": 4}]
    table, _ = read(before(two, [signal], position=41, seen_ms=T0 + 9, interval_ms=30_000))
    devices, at = table.devices, device_of(table)
    assert (devices.name[at], devices.heard_ms[at], devices.interval_ms[at]) == (UNNAMED, T0 + 9, 30_000)
    assert (devices.boot[at], devices.high[at], devices.used[at]) == (NEVER, NEVER, 41)
    spo2 = INDEX["spo2"]
    assert devices.value[at, spo2] == 70.0
    times = devices.newest_ms[at, spo2], devices.value_ms[at, spo2], devices.lost_ms[at, spo2]
    assert times == (T0, T0 + 1, T0 + 2)
    assert not devices.lap[at].any()


def test_what_version_2_lacked_is_as_in_an_empty_row():
    table, _ = read(before(signals=[{"signal": 0, "value": 80.0}], seen_ms=T0))
    at = device_of(table)
    taken_over = {"owner", "name", "used", "heard_ms", "interval_ms", "value"}
    for name in set(DeviceRows.COLUMNS) - taken_over:
        row = getattr(table.devices, name)[at]
        empty = np.full(row.shape, DeviceRows.COLUMNS[name].empty, row.dtype)
        assert np.array_equal(row, empty, equal_nan=row.dtype.kind == "f"), name
    assert table.pushed_out_ms[table.row_of["bed-1"]] == NEVER


@pytest.mark.parametrize(
    ("state", "onset_ms"), [(State.DELAYED, NEVER), (State.ACTIVE, T0), (State.ACKNOWLEDGED, T0)]
)
def test_the_run_of_a_limit_goes_on_and_only_an_announced_alarm_has_its_onset(state, onset_ms):
    alarm = {"key": KEYS[1], "state": state, "onset_ms": T0, "clear_ms": T0 + 5, "area": 9.0, "extreme": 84.0}
    table, _ = read(before(alarms=[alarm], seen_ms=T0))
    row, at = table.row_of["bed-1"], device_of(table)
    run = (
        table.devices.run_onset_ms[at, 1],
        table.devices.run_clear_ms[at, 1],
        table.devices.run_area[at, 1],
    )
    assert run == (T0, T0 + 5, 9.0)
    assert (table.alarm_state[row, 1], table.alarm_onset_ms[row, 1]) == (state, onset_ms)
    assert table.alarm_clear_ms[row, 1] == NEVER


def test_an_alarm_that_is_no_limit_s_keeps_what_it_said_and_has_no_run():
    alarm = {"key": KEYS[3], "state": State.ACTIVE, "onset_ms": T0, "clear_ms": T0 + 5, "told_ms": T0 + 6}
    table, _ = read(before(alarms=[alarm], seen_ms=T0))
    row = table.row_of["bed-1"]
    assert (table.alarm_onset_ms[row, 3], table.alarm_clear_ms[row, 3]) == (T0, T0 + 5)
    assert (table.devices.run_onset_ms[device_of(table)] == NEVER).all()


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_a_cut_record_of_version_2_is_refused(seed):
    record = random_before(seed)
    for length in {len(record) - 1, len(record) // 2, HEAD_BEFORE.itemsize - 1}:
        with pytest.raises(ValueError, match="record"):
            read(record[:length])


def test_a_record_of_version_2_may_say_that_a_patient_is_gone():
    record = struct.pack("<Bqqqi7B", 2, 41, NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    assert is_gone(record)
    assert position_of(record) == 41
    assert is_gone(encode_gone(41))
    assert not is_gone(random_before(3))
