"""The chain: a row that is changed, taken out or put in is found, and the first such row is named."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_model import row_of

from edge.history.chain import GENESIS, Broken, Head, Row, chained, digest, first_broken

CHAIN = list(chained([row_of(n) for n in range(9)], Head()))


def broken_at(rows, kept=None):
    found = first_broken(rows, kept)
    assert isinstance(found, Broken), found
    return found


def test_a_whole_chain_ends_in_its_head():
    assert first_broken(CHAIN) == Head(9, CHAIN[-1].hash)
    assert first_broken([]) == Head(0, GENESIS)
    assert Head.of(str(Head(9, CHAIN[-1].hash))) == Head(9, CHAIN[-1].hash)


CHANGES = {
    "topic": "vitals.commands",
    "partition": 5,
    "offset": 77,
    "append_ts_ms": 0,
    "key": None,
    "value": b"{}",
    "hash": b"\1" * 32,
    "patient": "bed-2",
    "kind": "end",
    "at_ts_ms": 1,
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_changed_row_is_named(name, place):
    rows = list(CHAIN)
    rows[place] = replace(rows[place], **{name: CHANGES[name]})
    assert broken_at(rows).seq == place + 1


@pytest.mark.parametrize("place", [0, 4, 7])
def test_a_removed_row_is_named(place):
    rows = CHAIN[:place] + CHAIN[place + 1 :]
    found = broken_at(rows)
    assert (found.seq, found.what) == (place + 1, f"row {place + 1} was removed: row {place + 2} follows")


@pytest.mark.parametrize("place", [0, 4, 8])
def test_a_row_put_in_is_named_also_where_those_behind_it_were_given_new_numbers(place):
    put_in = replace(next(chained([row_of(50)], Head(place, CHAIN[place - 1].hash if place else GENESIS))))
    rows = [*CHAIN[:place], put_in, *(replace(row, seq=row.seq + 1) for row in CHAIN[place:])]
    assert broken_at(rows).seq == place + 2  # the one behind it no longer follows


def test_the_last_row_can_only_be_removed_unseen_where_no_head_was_kept_elsewhere():
    assert isinstance(first_broken(CHAIN[:-1]), Head)
    assert broken_at(CHAIN[:-1], Head(9, CHAIN[-1].hash)).what == "rows 9 to 9 were removed from the end"


def test_a_chain_that_was_made_anew_does_not_go_through_the_head_that_was_kept():
    rows = list(chained([row_of(n, phase="end") for n in range(12)], Head()))
    assert broken_at(rows, Head(9, CHAIN[-1].hash)).seq == 9


@given(
    one=st.tuples(st.none() | st.binary(max_size=4), st.none() | st.binary(max_size=4)),
    two=st.tuples(st.none() | st.binary(max_size=4), st.none() | st.binary(max_size=4)),
)
def test_rows_that_say_different_things_have_different_hashes(one, two):
    rows = [Row("t", 0, 0, 0, key, value, 1) for key, value in (one, two)]
    assert (digest(GENESIS, rows[0]) == digest(GENESIS, rows[1])) == (one == two)


@given(st.binary(max_size=60))
def test_any_value_can_be_kept(value):
    (row,) = chained([Row("vitals.alerts", 0, 0, 5, None, value)], Head())
    assert first_broken([row]) == Head(1, row.hash)
