"""Duplicates: recognised by device, boot and sequence number, against a slow reference and in any cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tables.columns import DEVICES, SEEN
from tables.devices import device_names, find_slots, remember
from tables.groups import Groups
from tables.patients import PatientTable, lap

PATIENTS = 2

steps = st.one_of(
    st.integers(-3, 3), st.sampled_from((-SEEN - 1, -SEEN, -SEEN + 1, SEEN - 1, SEEN, 5000, 65_535 * SEEN))
)
devices = st.sampled_from(("mon", "mon", "mon", "cuff", "pump", "vent"))
many = st.lists(st.tuples(st.integers(0, PATIENTS - 1), devices, st.integers(0, 2), steps), max_size=80)
few = st.lists(
    st.tuples(st.just(0), st.sampled_from(("mon", "cuff")), st.just(0), steps), min_size=20, max_size=80
)
frames = st.one_of(many, few)
"""(patient, device, boot, step): boots that push each other out, and long stories of two devices."""


def new_table():
    table = PatientTable(())
    table.rows([f"bed-{i}" for i in range(PATIENTS)])
    return table


def log_of(drawn):
    """Return (patient, device, boot, seq): each number is drawn relative to the last of its boot."""
    last, log = {}, []
    for patient, device, boot, step in drawn:
        seq = max(0, last.get((patient, device, boot), 10) + step)
        last[patient, device, boot] = seq
        log.append((patient, device, boot, seq))
    return log


def plainly(log):
    """Return which frames are new, with a memory of `DEVICES` boots a patient, the least recently new leaves."""
    memory, fresh = {}, []
    for at, (patient, device, boot, seq) in enumerate(log):
        boots = memory.setdefault(patient, {})
        name = (device, boot)
        if name not in boots and len(boots) == DEVICES:
            del boots[min(boots, key=lambda other: boots[other]["used"])]
        known = boots.setdefault(name, {"seen": set(), "used": -1})
        top = max(known["seen"], default=-1)
        new = seq not in known["seen"] and seq > top - SEEN
        if new:
            known["seen"].add(seq)
            known["used"] = at
        fresh.append(new)
    return fresh


def admit(table, log, offset):
    """Put one block through the memory as the judge does and return which of its frames are new."""
    if not log:
        return []
    patients, devices, boots, seqs = zip(*log, strict=True)
    rows, seqs, boots = (np.array(column, np.int64) for column in (patients, seqs, boots))
    offsets = np.arange(offset, offset + len(log))
    fresh, done = [], 0
    while done < len(log):
        slots, count = find_slots(table, rows[done:], list(devices[done:]), boots[done:])
        assert 0 < count <= len(log) - done
        part = slice(done, done + count)
        group = rows[part] * DEVICES + slots[:count]
        new = remember(table, Groups(group), seqs[part])
        group = group[new]
        table.device_used.reshape(-1)[group] = offsets[part][new]
        fresh += new.tolist()
        done += count
    return fresh


@settings(max_examples=300, deadline=None)
@given(drawn=frames, cuts=st.lists(st.integers(0, 80), max_size=6))
def test_a_frame_is_new_where_a_slow_reference_says_so_in_any_cut(drawn, cuts):
    log = log_of(drawn)
    table = new_table()
    edges = [0, *sorted(cut % (len(log) + 1) for cut in cuts), len(log)]
    fresh = [new for start, end in pairwise(edges) for new in admit(table, log[start:end], start)]
    assert fresh == plainly(log)


def fresh_of(seqs, table=None):
    return admit(new_table() if table is None else table, [(0, "mon", 0, seq) for seq in seqs], 0)


def test_a_number_is_new_once_in_whatever_order_numbers_come():
    assert fresh_of([5, 3, 4, 3, 5, 6]) == [True, True, True, False, False, True]


def test_a_number_far_below_the_highest_counts_as_seen():
    assert fresh_of([SEEN, 1, 0]) == [True, True, False]


def test_numbers_far_apart_are_not_taken_for_each_other():
    assert fresh_of([0, SEEN, 2 * SEEN, 2 * SEEN, SEEN + 1]) == [True, True, True, False, True]


@pytest.mark.parametrize("cut", [1, 2])
def test_what_was_remembered_before_a_jump_is_not_taken_for_a_number_after_it(cut):
    table, far = new_table(), 65_535 * SEEN  # where the turns of the ring have the same mark again
    numbers = [5, far + 6, far + 5]
    assert fresh_of(numbers[:cut], table) + fresh_of(numbers[cut:2], table) == [True, True]
    assert fresh_of(numbers[2:], table) == [True]


def test_a_lap_is_never_the_mark_of_an_empty_place():
    assert min(lap(seq) for seq in range(0, 70_000 * SEEN, SEEN)) == 1


def test_a_reboot_may_count_from_the_start_again():
    log = [(0, "mon", 0, 7), (0, "mon", 1, 0), (0, "mon", 1, 0), (0, "mon", 0, 7)]
    assert admit(new_table(), log, 0) == [True, True, False, False]


def test_patients_and_devices_do_not_share_numbers():
    log = [(0, "mon", 0, 1), (1, "mon", 0, 1), (0, "cuff", 0, 1)]
    assert admit(new_table(), log, 0) == [True, True, True]


def test_a_device_that_comes_back_in_the_block_that_pushes_it_out_starts_anew():
    log = [(0, f"dev-{i}", 0, 9) for i in range(DEVICES)]
    table = new_table()
    assert all(admit(table, log, 0))
    assert admit(table, [(0, "other", 0, 9), (0, "dev-0", 0, 9), (0, "other", 0, 9)], DEVICES) == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("boot", [0, 2**53 - 1])
def test_the_name_of_a_device_is_never_that_of_an_empty_slot(boot):
    names = device_names(["mon", "mon", "cuff"], np.array([boot, boot, boot]))
    assert names.all()
    assert names[0] == names[1] != names[2]
