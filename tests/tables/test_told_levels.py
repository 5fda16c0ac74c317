"""Since when the levels of an alarm differ: what is kept is what is found again, whatever is missing."""

import numpy as np
import pytest

from clinical.limits import NEVER
from tables.patients import PatientTable
from tables.told_levels import keep_since, since_of


@pytest.mark.parametrize(
    "since_ms", [(NEVER, NEVER, NEVER), (5, NEVER, 7), (NEVER, 1_700_000_000_123, NEVER), (1, 2, 3)]
)
def test_times_of_levels_are_found_as_they_were_kept(since_ms):
    table = PatientTable(["score"])
    rows = table.rows(["bed-1", "bed-2"])
    keep_since(table, rows[:1], 0, np.array([since_ms]))
    assert since_of(table, rows, 0).tolist() == [list(since_ms), [NEVER] * 3]
