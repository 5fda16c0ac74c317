"""Columns in address space of their own."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from tables.reserved import reserved

MIB = 2**20


def used_bytes():
    """Return the address space and the resident memory of this process."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return [int(count) * mmap.PAGESIZE for count in pages[:2]]


def test_columns_are_zeros_and_none_lies_in_another():
    layouts = [
        ((3, 5), np.int64),
        ((7,), np.uint8),
        ((0,), np.float64),
        ((2, 2_000), np.bool_),
        ((4,), "S64"),
    ]
    columns = reserved(*layouts)
    assert [(column.shape, column.dtype) for column in columns] == [(s, np.dtype(t)) for s, t in layouts]
    assert not any(column.astype(bool).any() for column in columns)
    for number, column in enumerate(columns):
        column[...] = number
        assert column.flags.c_contiguous
        assert column.flags.aligned
    assert all((column == np.full(1, number, column.dtype)).all() for number, column in enumerate(columns))


def test_none_at_all_are_none():
    assert reserved() == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells a process's pages so")
def test_memory_is_taken_where_something_is_written_and_given_back_with_the_last_column():
    space, resident = used_bytes()
    first, second = reserved(((128 * MIB,), np.uint8), ((128 * MIB,), np.uint8))
    assert used_bytes()[0] - space >= 256 * MIB
    assert used_bytes()[1] - resident < 64 * MIB
    second[: 64 * MIB] = 1
    assert used_bytes()[1] - resident >= 64 * MIB
    del first
    assert used_bytes()[0] - space >= 256 * MIB
    del second
    assert used_bytes()[0] - space < 128 * MIB
    assert used_bytes()[1] - resident < 64 * MIB
