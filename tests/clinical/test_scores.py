"""The list of scores: every sheet is complete and computes what it says."""

import numpy as np
import pytest

from clinical.rules import AGE_BANDS, PRIORITIES
from clinical.scores import SHEETS
from clinical.vitals import INDEX

each_sheet = pytest.mark.parametrize("sheet", SHEETS, ids=lambda sheet: sheet.id)


def given(sheet, n, value=np.nan):
    names = ("scale2", "age_months", *(entry.name for entry in sheet.inputs))
    return {name: np.full(n, value) for name in names}


@each_sheet
def test_a_sheet_names_its_source_population_and_a_response_for_every_level(sheet):
    assert sheet.source
    assert set(sheet.ages) <= set(AGE_BANDS)
    assert all(level.response for level in sheet.levels)
    assert sheet.levels[0].priority is None


@each_sheet
def test_levels_rise_in_priority(sheet):
    ranks = [-1 if level.priority is None else PRIORITIES.index(level.priority) for level in sheet.levels]
    assert ranks == sorted(ranks)


@each_sheet
def test_every_input_has_signals_with_a_maximum_age_each(sheet):
    for entry in sheet.inputs:
        assert entry.signals
        assert all(signal in INDEX and age_s > 0 for signal, age_s in entry.signals)


@each_sheet
def test_without_inputs_every_parameter_is_missing_and_the_band_is_the_lowest(sheet):
    result = sheet.score(given(sheet, 3))
    assert result.missing_count.tolist() == [len(sheet.parameters)] * 3
    assert result.band.tolist() == [0, 0, 0]
    assert result.points.shape == (3, len(sheet.parameters))


@each_sheet
def test_the_worst_band_has_a_level(sheet):
    values = {**given(sheet, 1, 200.0), "age_months": np.array([60.0]), "sbp": np.array([60.0])}
    assert sheet.score(values).band[0] == len(sheet.levels) - 1
