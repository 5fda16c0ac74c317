"""Names as numbers read like a list of texts, and compare as numbers only under who gave them."""

from types import SimpleNamespace

import numpy as np
import pytest

from streams.decoding.name_column import NameColumn, numbers_of

GIVER = SimpleNamespace(texts=["", "bed-1", "bed-2", "bed-3"])


def column(*numbers):
    return NameColumn(GIVER, np.array(numbers, np.int64))


def test_a_column_reads_like_the_list_of_its_texts():
    names = column(3, 1, 1)
    assert names == ["bed-3", "bed-1", "bed-1"]
    assert (len(names), names[0], names[-1]) == (3, "bed-3", "bed-1")
    assert repr(names) == repr(["bed-3", "bed-1", "bed-1"])


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (slice(1, None), ["bed-1", "bed-2"]),
        (np.array([True, False, True]), ["bed-3", "bed-2"]),
        (np.array([2, 0]), ["bed-2", "bed-3"]),
    ],
)
def test_chosen_names_stay_a_column_of_the_same_giver(chosen, found):
    names = column(3, 1, 2).take(chosen)
    assert names == found
    assert names.names is GIVER


def test_a_slice_is_a_column():
    assert isinstance(column(3, 1, 2)[:2], NameColumn)


def test_columns_differ_from_other_texts_and_from_what_is_no_sequence():
    assert column(1) != ["bed-2"]
    assert column(1) != 1


def test_only_a_column_has_numbers():
    assert numbers_of(column(2, 1)).tolist() == [2, 1]
    assert numbers_of(["bed-2", "bed-1"]) is None
