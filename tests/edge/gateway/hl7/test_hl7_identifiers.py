"""Devices, places and patients of a message as ids."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.hl7.identifiers import Patients, device_of, eui_64_of, place_of
from edge.gateway.hl7.split import USUAL_MARKS
from edge.gateway.opaque_ids import is_damaged, opaque
from edge.gateway.pseudonym import Pseudonyms
from streams.contracts.frame import ID_PATTERN

ID = re.compile(ID_PATTERN)
PATIENTS = Patients(Pseudonyms(b"key"))


@pytest.mark.parametrize(
    ("entity", "device"),
    [
        ("080019FFFE134535^B1X5_GE", "080019FFFE134535"),
        ("label^^00-12-21-00-00-00-00-0a^EUI-64", "001221000000000A"),
        ("00:a0:37:00:9b:00:00:01", "00A037009B000001"),
        ("SN123", "SN123"),
        ("SN123^Acme", "SN123@Acme"),
        ("SN123^Acme^1.2.3^ISO", "SN123@Acme"),
        (
            "(01)00643169001763^^2.16.840.1.113883.3.3719^ISO~label^^00A0370098006640^EUI-64",
            "00A0370098006640",
        ),
        ("", ""),
        ("^^^", ""),
        ('""', ""),
        ("^^00A0370098006640^EUI-64", "00A0370098006640"),
    ],
)
def test_a_device_is_its_eui_64_or_else_its_identifier_with_who_gave_it_out(entity, device):
    assert device_of(entity, USUAL_MARKS) == device


def test_one_serial_number_of_two_makers_is_two_devices():
    assert device_of("7^Acme", USUAL_MARKS) != device_of("7^Bacme", USUAL_MARKS)


@pytest.mark.parametrize(
    ("application", "device"),
    [
        ("MINDRAY_^00A037000000AA01^EUI-64", "00A037000000AA01"),
        ("0030E60000000001^EUI-64", "0030E60000000001"),
        ("CENTRAL", ""),
    ],
)
def test_a_sending_application_is_a_device_only_by_its_eui_64(application, device):
    assert eui_64_of(application, USUAL_MARKS) == device


@pytest.mark.parametrize(
    ("location", "place"),
    [("ICU^2^7^GE_LAB", "ICU:2:7"), ("ICU^^7", "ICU::7"), ("ICU^7", "ICU:7"), ("ICU", "ICU"), ("^^^", ""), ("", ""),
     ("ICU&main^2^7~OTHER", "ICU:2:7")],
)  # fmt: skip
def test_a_place_is_point_of_care_room_and_bed(location, place):
    assert place_of(location, USUAL_MARKS) == place


def test_places_that_differ_have_ids_that_differ():
    places = [
        "3 WEST ICU^3001^1",
        "3-WEST-ICU^3001^1",
        "ICU^^7",
        "ICU^7^",
        "^^&24",
        "^24",
        "Überwachung^1^2",
        "berwachung^1^2",
    ]
    ids = {place_of(one, USUAL_MARKS) for one in places}
    assert len(ids) == len(places)
    assert all(ID.fullmatch(one) for one in ids)


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
def test_every_name_becomes_an_id_and_no_two_the_same(one, other):
    assert ID.fullmatch(opaque(one))
    assert (opaque(one) == opaque(other)) == (one == other)


@pytest.mark.parametrize("damaged", ["M?ller", "M\N{REPLACEMENT CHARACTER}ller"])
def test_a_name_that_lost_a_character_is_damaged_and_stays_recognisable_as_that(damaged):
    assert is_damaged(device_of(damaged, USUAL_MARKS))
    assert is_damaged(place_of(f"ICU^{damaged}", USUAL_MARKS))
    assert PATIENTS.of(f"{damaged}^^^HOSP^MR", USUAL_MARKS, "") is None
    assert PATIENTS.of(f"123^^^{damaged}^MR", USUAL_MARKS, "") is None


def patient(field, authority=""):
    return PATIENTS.of(field, USUAL_MARKS, authority)


def test_a_patient_is_the_medical_record_number_wherever_it_stands():
    assert patient("9^^^X^PI~1^^^HOSP^MR") == patient("1^^^HOSP^MR")
    assert patient("1^^^HOSP&1.2.3&ISO^MR") == patient("1^^^HOSP^MR")


def test_without_a_medical_record_number_the_first_identifier_counts():
    assert patient("9^^^X^PI~1^^^HOSP^AN") == patient("9^^^X^PI")


def test_the_same_number_of_two_authorities_is_two_patients():
    assert patient("1^^^A^MR") != patient("1^^^B^MR")
    assert patient("1", "A") == patient("1^^^A^MR")


@pytest.mark.parametrize("nobody", ["", "^^^HOSP^MR", '""', '""^^^HOSP^MR~'])
def test_who_names_nobody_names_nobody(nobody):
    assert patient(nobody) == ""


def test_a_patient_id_says_nothing_of_the_number_and_is_one_of_the_contract():
    found = patient("12345678^^^HOSP^MR")
    assert ID.fullmatch(found)
    assert re.fullmatch(r"p-[0-9a-f]{24}", found)
    assert "12345678" not in found
    assert Patients(Pseudonyms(b"other")).of("12345678^^^HOSP^MR", USUAL_MARKS, "") != found
