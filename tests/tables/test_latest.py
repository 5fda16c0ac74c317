"""The last reading of each signal of a patient, of whichever device, against a loop over devices."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.limits import NEVER
from clinical.vitals import COUNT
from tables.columns.log_columns import DEVICES
from tables.device_rows import NOBODY
from tables.latest import latest, measured
from tables.patients import PatientTable

SIGNALS = 3
"""How many signals devices measure here."""

device = st.lists(
    st.tuples(st.sampled_from((NEVER, 10, 20, 30)), st.sampled_from((NEVER, 40))),
    min_size=SIGNALS,
    max_size=SIGNALS,
)
"""(when a signal was measured, when it was lost) for each."""

wards = st.lists(st.lists(device, max_size=4), min_size=1, max_size=4)


def table_of(ward):
    """Return a table of patients with these devices; a device's value and last offset are its row."""
    table = PatientTable(())
    for i, devices in enumerate(ward):
        row = table.row(f"bed-{i}")
        for slot, signals in enumerate(devices):
            at = table.slots[row, slot] = table.devices.take_row(row, 1 + slot)
            table.devices.used[at] = (at * 7) % 5 * 10 + at
            table.devices.interval_ms[at] = 1000 * at
            for signal, (value_ms, lost_ms) in enumerate(signals):
                table.devices.value_ms[at, signal], table.devices.lost_ms[at, signal] = value_ms, lost_ms
                table.devices.value[at, signal] = at if value_ms != NEVER else np.nan
    return table


def plainly(table, row, signal):
    """Return value, time, interval and whether it is lost; None where no device measured the signal."""
    devices, best = table.devices, None
    for at in table.slots[row].tolist():
        came = devices.value_ms[at, signal]
        if at == NOBODY or came == NEVER:
            continue
        if best is None or (came, devices.used[at]) > (devices.value_ms[best, signal], devices.used[best]):
            best = at
    if best is None:
        return None
    return best, devices.value_ms[best, signal], 1000 * best, devices.lost_ms[best, signal] != NEVER


@settings(max_examples=200, deadline=None)
@given(wards, st.sampled_from((None, [2, 0], [1])))
def test_the_reading_that_came_last_counts_and_of_two_at_once_the_later_device_s(ward, signals):
    table = table_of(ward)
    rows = table.rows([f"bed-{i}" for i in range(len(ward))])[::-1]
    found = latest(table, rows, signals)
    for i, row in enumerate(rows.tolist()):
        for k, signal in enumerate(range(COUNT) if signals is None else signals):
            expected = plainly(table, row, signal)
            if expected is None:
                assert found.value_ms[i, k] == NEVER
                assert np.isnan(found.value[i, k])
            else:
                said = found.value[i, k], found.value_ms[i, k], found.interval_ms[i, k], found.is_lost[i, k]
                assert said == expected


def test_some_of_the_patients_can_be_taken():
    found = latest(table_of([[[(10, NEVER)] * SIGNALS], [[(20, 40)] * SIGNALS]]), np.array([0, 1]))
    some = found.take(np.array([1]))
    assert (some.value_ms[0, 0], some.is_lost[0, 0], some.interval_ms[0, 0]) == (20, True, 2000)


@settings(max_examples=50, deadline=None)
@given(wards)
def test_what_each_device_said_is_listed_device_by_device(ward):
    table = table_of(ward)
    slots, signals = table.of_devices(table.occupied()), np.array([2, 0])
    said = measured(table, slots, signals)
    assert said.value_ms.shape == said.lost_ms.shape == (*slots.shape, 2)
    assert slots.shape[1] <= DEVICES
    for i, k in np.ndindex(slots.shape):
        assert said.value_ms[i, k].tolist() == table.devices.value_ms[slots[i, k], signals].tolist()
        assert said.lost_ms[i, k].tolist() == table.devices.lost_ms[slots[i, k], signals].tolist()
