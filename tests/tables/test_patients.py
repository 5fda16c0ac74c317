"""The patient table: rows for patients, found, grown, dropped and used again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.limits import NEVER
from clinical.ticking import ADVICE_TURNS
from tables import row_pool
from tables.patients import PatientTable

ALARMS = ("hr-high", "spo2-low", "news2")
ROWS_MIN = 64


@pytest.fixture(scope="module", autouse=True)
def little_room():
    """Tables have room for few rows from the start, so that they grow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_pool, "ROWS_MIN", ROWS_MIN)
        yield


@pytest.fixture
def table():
    return PatientTable(ALARMS)


def columns(table):
    """Return the columns but `turn`, which follows from the patient's name."""
    return {name: getattr(table, name) for name in PatientTable.COLUMNS if name != "turn"}


def fill(table, row, number):
    """Write `number` into every column of a row."""
    for column in columns(table).values():
        column[row] = number
    for column in (table.windows.count, table.windows.sum, table.windows.bucket):
        column[:, row] = number


def test_a_new_patient_gets_an_empty_row_and_keeps_it(table):
    row = table.row("bed-1")
    assert table.row("bed-1") == row
    assert table.rows(["bed-2", "bed-1", "bed-2"]).tolist() == [1, 0, 1]
    assert len(table) == 2
    assert table.patients == ["bed-1", "bed-2"]


def test_columns_cover_every_array_of_the_table(table):
    arrays = {name for name, value in vars(table).items() if isinstance(value, np.ndarray)}
    assert arrays == set(PatientTable.COLUMNS)


def test_growing_keeps_every_row(table):
    for i in range(ROWS_MIN):
        fill(table, table.row(f"bed-{i}"), i % 2)
    before = {name: column.copy() for name, column in columns(table).items()}
    table.row("one-more")
    for name, column in columns(table).items():
        assert len(column) == 2 * ROWS_MIN
        assert np.array_equal(column[:ROWS_MIN], before[name]), name
    assert table.windows.count.shape[1] == 2 * ROWS_MIN
    assert table.windows.sum[:, ROWS_MIN - 1].min() == (ROWS_MIN - 1) % 2


def blank_table():
    """Return a table whose first row is empty."""
    blank = PatientTable(ALARMS)
    blank.reserve(1)
    return blank


def test_a_row_beyond_the_first_ones_is_empty(table):
    for i in range(ROWS_MIN + 1):
        table.row(f"bed-{i}")
    blank = blank_table()
    for name, column in columns(table).items():
        assert np.array_equal(
            column[ROWS_MIN], columns(blank)[name][0], equal_nan=column.dtype.kind == "f"
        ), name
    assert (table.windows.bucket[:, ROWS_MIN] == NEVER).all()


def test_a_dropped_patient_leaves_an_empty_row_for_the_next(table):
    table.row("bed-0")
    row = table.row("bed-1")
    fill(table, row, 1)
    table.drop("bed-1")
    assert "bed-1" not in table.row_of
    assert table.occupied().tolist() == [0]
    assert table.row("bed-2") == row
    blank = blank_table()
    for name, column in columns(table).items():
        assert np.array_equal(column[row], columns(blank)[name][0], equal_nan=column.dtype.kind == "f"), name
    assert not table.windows.count[:, row].any()
    assert (table.windows.bucket[:, row] == NEVER).all()


def test_a_patients_turn_is_always_the_same_and_turns_are_shared_evenly(table):
    names = [f"bed-{number}" for number in range(2_400)]
    rows = table.rows(names)
    turns = table.turn[rows].copy()
    assert np.bincount(turns, minlength=ADVICE_TURNS).max() < 2 * len(names) / ADVICE_TURNS
    table.discharge(int(rows[0]), 5_000)
    table.clear(rows[1:3])
    for name in names[1:1_000]:
        table.drop(name)
    assert table.turn[table.rows(names[::-1])].tolist() == turns[::-1].tolist()


def test_dropping_an_unknown_patient_changes_nothing(table):
    table.row("bed-1")
    table.drop("bed-2")
    assert len(table) == 1
    assert table.occupied().tolist() == [0]


def test_a_new_patient_is_not_given_ticks_of_the_past(table):
    table.ticked_until_ms = 5_000
    assert table.ticked_ms[table.row("bed-1")] == 5_000


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 100)), max_size=300))
def test_rows_and_patients_always_belong_together(steps):
    table, present = PatientTable(ALARMS), set()
    for come, number in steps:
        patient = f"bed-{number}"
        if come:
            table.rows([patient])
            present.add(patient)
        else:
            table.drop(patient)
            present.discard(patient)
        assert set(table.row_of) == present
        assert {table.patients[row] for row in table.occupied().tolist()} == present
        assert len(set(table.row_of.values())) == len(table) == len(table.occupied())


def test_tables_beside_each_other_have_rows_of_their_own_and_grow_together(table):
    other = table.beside()
    assert other.shares_with(table)
    assert not PatientTable(ALARMS).shares_with(table)
    mine, theirs = table.row("bed-1"), other.row("bed-1")
    assert mine != theirs
    for i in range(2 * ROWS_MIN):
        fill(other, other.row(f"bed-{i}"), i % 2)
    table.oxygen[mine] = 5.0
    assert other.oxygen[mine] == 5.0
    for name, column in columns(table).items():
        assert column is getattr(other, name), name
    assert (table.occupied().tolist(), len(other.occupied())) == ([mine], 2 * ROWS_MIN)
    assert [own.has(theirs) for own in (table, other)] == [False, True]


def test_a_table_that_is_released_leaves_its_rows_empty_to_the_others(table):
    other = table.beside()
    kept = table.row("bed-1")
    fill(table, kept, 1)
    rows = other.rows(["bed-1", "bed-2"]).tolist()
    for row in rows:
        fill(other, row, 1)
    other.release()
    assert len(other) == 0
    assert table.patients == ["bed-1", None, None]
    assert sorted(table.rows(["bed-3", "bed-4"]).tolist()) == rows
    blank = blank_table()
    for name, column in columns(table).items():
        empty = columns(blank)[name][0]
        assert np.array_equal(column[rows[0]], empty, equal_nan=column.dtype.kind == "f"), name
    for i in range(2 * ROWS_MIN):
        table.row(f"more-{i}")
    assert len(other.position) == ROWS_MIN
    assert table.alarm_state[kept].min() == 1


def test_rows_with_alarms_are_found_among_those_that_are_asked_for(table):
    rows = table.rows([f"bed-{i}" for i in range(5)])
    table.alarm_state[rows[1], 2], table.alarm_state[rows[3], 0], table.alarm_state[rows[4], 1] = 2, 3, 1
    assert table.with_alarms_above(rows, 1).tolist() == [rows[1], rows[3]]
    assert table.with_alarms_above(rows[2:], 1).tolist() == [rows[3]]
    assert table.with_alarms_above(rows[:0], 1).tolist() == []
