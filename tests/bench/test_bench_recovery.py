"""The changelog that a recovery is measured with holds what checkpoints would have written."""

import numpy as np

from agents.judging.catalogue import alarms_of
from bench.recovery_load import HEALTHY, checkpoint_of
from clinical.defaults import DEFAULT_RULES
from clinical.vitals import INDEX
from tables.changelog.progress import END_KEY
from tables.changelog.record import decode_all
from tables.latest import latest
from tables.patients import PatientTable
from tables.windows import EMPTY

BUCKETS = 3


def test_every_patient_has_the_readings_of_so_many_half_minutes():
    *pairs, (last, _) = checkpoint_of(["bed-1", "bed-2"], BUCKETS, version=1)
    assert [key for key, _ in pairs] == [b"bed-1", b"bed-2"]
    assert last == END_KEY.encode()
    table = PatientTable([alarm.id for alarm in alarms_of(DEFAULT_RULES)])
    rows = table.rows(["bed-1", "bed-2"])
    decode_all([record for _, record in pairs], table, rows, {})
    measured = latest(table, rows)
    assert ((table.windows.bucket[:, rows] != EMPTY).sum(axis=0) == BUCKETS).all()
    for signal, value in HEALTHY.items():
        column = INDEX[signal]
        assert (measured.value[:, column] == value + (BUCKETS - 1) % 2).all()
        assert (table.windows.count[:, rows, column].sum(axis=0) == BUCKETS).all()
    others = np.setdiff1d(np.arange(measured.value.shape[1]), [INDEX[signal] for signal in HEALTHY])
    assert np.isnan(measured.value[:, others]).all()
