"""Columns as a class declares them: made, grown and emptied alike."""

from typing import Annotated

import numpy as np

from tables.column import ALARMS, RULES, Column, Ms, Truth, columns_of, grown, made


class Declared:
    seen_ms: Ms
    is_open: Truth
    value: Annotated[np.ndarray, Column(np.float64, np.nan, (ALARMS, RULES))]
    undeclared: int


def test_a_class_declares_its_columns_by_annotations_and_nothing_else_counts():
    assert list(columns_of(Declared)) == ["seen_ms", "is_open", "value"]


def test_the_shape_of_a_row_follows_the_alarms_and_the_rules():
    columns = made(columns_of(Declared), 4, alarms=3, rules=2)
    assert {name: column.shape for name, column in columns.items()} == {
        "seen_ms": (4,),
        "is_open": (4,),
        "value": (4, 3, 2),
    }


def test_growing_keeps_what_is_filled_and_filling_empties_the_rest():
    declared = columns_of(Declared)
    columns = made(declared, 2, alarms=1, rules=1)
    for name, column in declared.items():
        column.fill(columns[name], range(2))
    columns["value"][0] = 5
    more = grown(columns, 2, 4)
    for name, column in declared.items():
        column.fill(more[name], range(2, 4))
    assert np.array_equal(more["value"].reshape(-1), [5, np.nan, np.nan, np.nan], equal_nan=True)
    assert more["seen_ms"].tolist() == [-1] * 4
    assert more["is_open"].tolist() == [False] * 4
