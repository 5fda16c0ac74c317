"""The row of a patient by number is that by name, whoever comes, leaves or is numbered anew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.decoding.numbered_names import Names
from tables.patients import PatientTable

PATIENTS = [f"bed-{i}" for i in range(6)]

acts = st.lists(
    st.one_of(
        st.tuples(st.just("look"), st.lists(st.sampled_from(PATIENTS), max_size=5)),
        st.tuples(st.just("drop"), st.sampled_from(PATIENTS)),
        st.tuples(st.just("anew"), st.none()),
    ),
    max_size=20,
)


@given(acts)
def test_rows_by_number_are_those_by_name(drawn):
    table, names = PatientTable(()), Names()
    for act, what in drawn:
        if act == "drop":
            table.drop(what)
        elif act == "anew":
            names = Names()
        else:
            patients = names.column(what)
            if any(name not in table.row_of for name in what):
                with pytest.raises(KeyError):
                    table.known_rows(patients)
            assert table.rows(patients).tolist() == [table.row_of[name] for name in what]


def test_a_partition_that_comes_again_has_rows_of_its_own():
    names, first = Names(), PatientTable(())
    beside = first.beside()
    patients = names.column(PATIENTS)
    rows = first.rows(patients).tolist()
    first.release()
    assert sorted(beside.rows(patients).tolist()) == sorted(rows)
    again = beside.beside()
    with pytest.raises(KeyError):
        again.known_rows(patients)
    found = again.rows(patients)
    assert np.intersect1d(found, beside.occupied()).size == 0
