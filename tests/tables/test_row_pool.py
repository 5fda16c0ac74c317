"""Rows of a table: taken, given back, and made empty before somebody has them."""

from hypothesis import given
from hypothesis import strategies as st

from tables.row_pool import RowPool

ROOM = 64


@given(st.lists(st.integers(-40, 3_000), max_size=8))
def test_nobody_shares_a_row_and_each_was_made_empty_once_before_it_was_taken(steps):
    pool, empty, mine = RowPool(ROOM), set(), []
    for step in steps:
        if step < 0:
            given_back, mine = mine[:-step], mine[-step:]
            pool.free += given_back
            continue
        pool.grow(step)
        made = set(pool.fill(step))
        assert not made & empty
        empty |= made
        mine += [pool.take() for _ in range(step)]
        assert len(set(mine)) == len(mine)
        assert set(mine) <= empty
        assert max(empty, default=-1) < pool.capacity


def test_columns_grow_only_when_nobody_s_rows_are_used_up():
    pool = RowPool(ROOM)
    assert not pool.grow(ROOM)
    pool.fill(ROOM)
    rows = [pool.take() for _ in range(ROOM)]
    pool.free += rows[:2]
    assert not pool.grow(2)
    assert pool.grow(3)
    assert pool.capacity == 2 * ROOM
