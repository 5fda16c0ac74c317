"""A name keeps its number, and compiled code finds it by its bytes alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinical.kernels.name_search import enter, find
from streams.decoding.name_column import NameColumn
from streams.decoding.numbered_names import Names

texts = st.text("ab1-", min_size=1, max_size=20)


def found(table, text, before=0):
    """Return the number that compiled code finds for a text."""
    written = np.frombuffer(b"x" + text.encode() + b"x", np.uint8)
    return find(written.ctypes.data + 1, len(text), before, table)


@given(st.lists(st.lists(texts, max_size=8), max_size=6), texts)
def test_a_name_is_found_by_its_number_and_no_other_is(blocks, other):
    names, numbers = Names(), {}
    for block in blocks:
        for name, number in zip(block, names.numbers(block).tolist(), strict=True):
            assert numbers.setdefault(name, number) == number
            assert names.texts[number] == name
    assert len(names) == len(numbers) == len(set(numbers.values()))
    for name, number in numbers.items():
        assert found(names.table, name) == number
        for before in numbers.values():  # whoever came last, and whoever came behind that one before
            assert found(names.table, name, before) == number
    assert found(names.table, other) == numbers.get(other, 0)


def test_ten_thousand_names_of_any_length_are_found():
    names = Names()
    for first in range(0, 10_000, 1_000):
        names.numbers([f"{i:0{4 + i % 60}}" for i in range(first, first + 1_000)])
    assert all(found(names.table, name) == number for number, name in enumerate(names.texts) if number)


def test_a_name_that_lies_too_far_from_its_place_is_not_searched_for():
    pieces = np.frombuffer(b"bed-1", np.uint8).copy()
    slots = np.ones(64, np.int64)
    ends, followers = np.array([0, 5]), np.zeros(2, np.int64)
    full = (7, slots.ctypes.data, 64, ends.ctypes.data, pieces.ctypes.data, followers.ctypes.data)
    assert (found(full, "bed-1"), found(full, "bed-2")) == (1, 0)
    before = slots.copy()
    enter(full, 1, 1)
    assert np.array_equal(slots, before)


def test_a_column_of_names_is_read_like_a_list():
    names = Names()
    column = NameColumn(names, names.numbers(["b", "a", "b"]))
    assert (len(column), column[0], column[-1], list(column)) == (3, "b", "b", ["b", "a", "b"])
    assert column == ["b", "a", "b"]
    assert column[1:] == column.take(np.array([1, 2])) == ["a", "b"]
    assert column != ["b"]
