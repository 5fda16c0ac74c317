"""Scores from the patient table: the cheap look that says of whom no score can be added up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.judging.judge import Judge
from agents.judging.scoring import scored, too_few
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.limits import NEVER
from clinical.rules import AGE_BANDS
from clinical.scores import SHEETS, Sheet
from clinical.vitals import COUNT
from tables.latest import Latest

PATIENTS = 40
NOW_MS = 1_700_000_000_000
TTL_MS = 86_400_000


def ward(seed: int) -> tuple[object, np.ndarray, Latest]:
    """Return patients of whom anything may be missing, old, or unknown."""
    random = np.random.default_rng(seed)
    table = Judge(DEFAULT_RULES, TimeRules(), TTL_MS).new_table()
    rows = table.rows([f"p{i}" for i in range(PATIENTS)])
    table.age_band[rows] = random.integers(0, len(AGE_BANDS), PATIENTS)
    table.oxygen[rows] = random.choice([np.nan, 0.0, 1.0], PATIENTS)
    table.scale2[rows] = random.random(PATIENTS) < 0.3
    shape = (PATIENTS, COUNT)
    age_ms = random.choice([1_000, 400_000, 4_000_000, 90_000_000], shape)
    came = np.where(random.random(shape) < random.uniform(0.2, 1.0), NOW_MS - age_ms, NEVER)
    value = np.where(came == NEVER, np.nan, random.uniform(0, 150, shape))
    interval = np.repeat(random.choice([1_000, 14_400_000], (PATIENTS, 1)), COUNT, axis=1).astype(np.int32)
    return table, rows, Latest(value, came, interval, np.full(shape, NEVER), came)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.id)
@given(seed=st.integers(0, 2**32 - 1), wanted=st.integers(1, 7))
@settings(max_examples=60, deadline=None)
def test_of_whom_too_few_inputs_are_fresh_the_score_lacks_parameters(
    sheet: Sheet, seed: int, wanted: int
) -> None:
    table, rows, last = ward(seed)
    few = too_few(sheet, table, rows, last, NOW_MS, wanted)
    known = len(sheet.parameters) - scored(sheet, table, rows, last, NOW_MS).measured.missing_count
    assert np.all(known[few] < wanted)


def test_a_ward_that_measures_everything_has_nobody_with_too_few_inputs() -> None:
    table, rows, last = ward(1)
    last.value_ms[:] = NOW_MS
    for sheet in SHEETS:
        assert not too_few(sheet, table, rows, last, NOW_MS, len(sheet.inputs)).any()
        assert too_few(sheet, table, rows, last, NOW_MS, len(sheet.inputs) + 1).all()
