"""Wards and beds as they are called at the command line."""

import pytest

from edge.wards_asked import bed_named, ward_asked
from streams.contracts.reference import Reference
from streams.errors import VigilError


class Called(Reference):
    """Ward icu is called Intensive care, bed-1 has a label."""

    def ward_name(self, ward):
        return {"icu": "Intensive care"}.get(ward, ward)

    def label(self, patient):
        return {"bed-1": "ICU 1"}.get(patient, patient)


@pytest.mark.parametrize("asked", ["icu", "Intensive care"])
def test_a_ward_is_found_by_its_id_and_by_its_name(asked):
    assert ward_asked(asked, ["icu", "er", ""], Called()) == "icu"


def test_a_ward_without_patients_is_an_error_and_no_all_clear():
    with pytest.raises(VigilError, match="no patient is in ward ICU; there are patients in: er, icu"):
        ward_asked("ICU", ["icu", "er", ""], Called())
    with pytest.raises(VigilError, match="patients in: no ward"):
        ward_asked("icu", [""], Called())


def test_a_bed_is_named_with_the_id_that_commands_know_it_by():
    assert bed_named("bed-1", Called()) == "ICU 1 (bed-1)"
    assert bed_named("bed-2", Called()) == "bed-2"
