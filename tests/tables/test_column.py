"""Columns as a class declares them: made, grown and emptied alike."""

from typing import Annotated

import numpy as np

from tables.column import ALARMS, RULES, Column, Ms, Truth, columns_of


class Declared:
    seen_ms: Ms
    is_open: Truth
    value: Annotated[np.ndarray, Column(np.float64, np.nan, (ALARMS, RULES))]
    undeclared: int


def test_a_class_declares_its_columns_by_annotations_and_nothing_else_counts():
    assert list(columns_of(Declared)) == ["seen_ms", "is_open", "value"]


def test_the_shape_of_a_row_follows_the_alarms_and_the_rules():
    assert columns_of(Declared)["value"].make(4, alarms=3, rules=2).shape == (4, 3, 2)


def test_growing_keeps_what_is_filled_and_filling_empties_the_rest():
    column = Column(np.int64, -1)
    rows = column.make(2, 0, 0)
    column.fill(rows, range(2))
    rows[0] = 5
    grown = column.grown(rows, 2, 4)
    column.fill(grown, range(2, 4))
    assert grown.tolist() == [5, -1, -1, -1]
