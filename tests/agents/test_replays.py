"""Frames that come again after a recovery: of patients who are held, and of those who were dropped meanwhile."""

import pytest
from logs import frame_record, tick_record
from worker_model import WorkerModel

from agents.judging.reasons import Reason
from clinical.defaults import DEFAULT_RULES

pytestmark = pytest.mark.usefixtures("engine")

TTL_S = 60
LOG = [
    frame_record(0, 0, seq=1, event_ms=0, hr=80),
    frame_record(1, 0, patient="bed-2", seq=1, event_ms=0, hr=80),
    tick_record(2, 30_000),
    frame_record(3, 50_000, patient="bed-2", seq=2, event_ms=50_000, hr=80),
    tick_record(4, 70_000),
]


def after_the_drop():
    worker = WorkerModel(DEFAULT_RULES, patient_ttl_s=TTL_S)
    worker.take(LOG)
    assert worker.dropped == ["bed-1"]
    return worker


def test_a_worker_that_reads_again_does_not_bring_a_dropped_patient_back():
    worker = after_the_drop()
    worker.take(LOG)
    assert set(worker.store) == {"bed-2"}
    assert worker.tallies[-1].of(Reason.REPLAYED) == 3


def test_a_next_worker_that_begins_before_the_drop_does_not_take_old_frames_for_those_of_a_new_patient():
    worker = after_the_drop()
    worker.checkpoint()
    told = len(worker.transitions)
    worker.restart()
    worker.take(LOG)
    assert set(worker.store) == {"bed-2"}
    assert len(worker.transitions) == told


def test_a_dropped_patient_who_sends_again_is_a_new_patient():
    worker = after_the_drop()
    worker.checkpoint()
    worker.restart()
    worker.take([*LOG, frame_record(5, 80_000, seq=9, event_ms=80_000, hr=80)])
    assert set(worker.store) == {"bed-1", "bed-2"}
    assert worker.table.gone == {}
