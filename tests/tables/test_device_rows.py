"""Rows of devices: taken and given back, nobody's first."""

import numpy as np

from clinical.limits import NEVER
from tables.device_rows import NOBODY, DeviceRows


def test_the_first_row_is_nobody_s_and_stays_empty():
    devices = DeviceRows(1)
    assert devices.take_row(7, 42) != NOBODY
    assert (devices.owner[NOBODY], devices.heard_ms[NOBODY]) == (-1, NEVER)


def test_a_row_that_was_given_back_is_empty_for_the_next_device():
    devices = DeviceRows(1)
    row = devices.take_row(7, 42)
    devices.heard_ms[row] = 5
    devices.give_back(np.array([row]))
    assert devices.take_row(8, 43) == row
    assert (devices.owner[row], devices.heard_ms[row]) == (8, NEVER)


def test_frames_of_now_are_known_only_of_a_device_that_was_heard_in_this_stay():
    devices = DeviceRows(1)
    heard, other = devices.take_row(1, 1), devices.take_row(2, 2)
    devices.heard_ms[heard], devices.came_ms[[heard, other]] = 9, 8
    assert devices.live_ms(np.array([heard, other])).tolist() == [8, NEVER]
