"""Whom NumPy shows to the steps of a tick: everybody who is there."""

import numpy as np
import pytest
from logs import frame_record
from worker_model import WorkerModel

from agents.judging.screening import Screened, screen
from clinical.defaults import DEFAULT_RULES
from clinical.kernels import screen_bits as asked


def test_patients_of_a_bit_come_in_their_order_and_all_of_them_at_no_price():
    rows = np.array([3, 5, 8])
    found = Screened(rows, np.array([1, 3, 3]), 3, 1)
    assert found.of(1) is rows
    assert found.of(2).tolist() == [5, 8]
    assert found.of(4).tolist() == []


@pytest.fixture
def table():
    worker = WorkerModel(DEFAULT_RULES, engine="numpy")
    worker.take([frame_record(i, 1000, f"bed-{i}", seq=1, event_ms=1000, hr=75) for i in range(3)])
    worker.take([frame_record(3 + i, 2000, f"bed-{i}", seq=2, event_ms=2000, hr=75) for i in range(3)])
    return worker.table


def test_who_is_discharged_is_shown_to_no_step_that_watches_the_patient(table):
    table.discharged[table.row_of["bed-1"]] = True
    found = screen(table, 9, 5000)
    for bit in (asked.HEARD, asked.SENSORS, asked.DEVICES, asked.SCORE):
        assert len(found.of(bit)) == 2
    assert len(found.of(asked.PAUSE)) == len(found.of(asked.GONE)) == 3


def test_slow_steps_see_somebody_when_five_seconds_are_over(table):
    assert len(screen(table, 9, 4999).of(asked.KNOWN)) == 3, "the first tick is the first stretch"
    assert len(screen(table, 9, 4999).rows) == 0
    assert len(screen(table, 9, 5000).of(asked.LOSSES)) == 3
    assert len(screen(table, 9, 9999).of(asked.LOSSES)) == 0


def test_a_tick_that_a_patient_is_ahead_of_shows_nobody(table):
    table.position[table.row_of["bed-1"]] = 7
    assert len(screen(table, 5, 5000).rows) == 2
