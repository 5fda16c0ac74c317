"""DEV-51 as reports of the registrar, on the messages of IHE's examples."""

import pytest
from hl7_world import block, msh, taken

ORDER = (
    "OBR|||15404652^^132233FFFE445566^EUI-64|69136^MDC_OBS_ASSOCIATION_PATIENT_DEVICE^MDC|||"
    "20160726120000|20160726123000"
)
BEGIN = "OBX|1|CWE|68487^MDC_ATTR_EVT_COND^MDC||198332^MDC_EVT_ASSOCIATION_PATIENT_DEVICE^MDC||||||F"
END = "OBX|1|CWE|68487^MDC_ATTR_EVT_COND^MDC||198334^MDC_EVT_DISASSOCIATION_PATIENT_DEVICE^MDC||||||R"
EQUIPMENT = (
    "PRT|1|UC||EQUIP^EQUIP^HL70912|||||3 WEST ICU^3001^1|MON5588^^231A8456B1CB2366^EUI-64|20160726120000"
)
AUTHOR = "PRT|2|UC||AUT^AUT^HL70912|58793^Diesel^N||||3 WEST ICU^3001^1||20160726123000"
PARENT = "|" * 21 + "^15404652&&132233FFFE445566&EUI-64"
NOON_MS = 1_469_534_400_000  # 2016-07-26 12:00 UTC


def report(*lines, patient="AB60001^^^A^PI"):
    found = taken(block([msh(), f"PID|||{patient}||Spaniel^C^R^^^^L", "PV1||E|3 WEST ICU^3001^1", *lines]))
    return found.report if found.refusal is None else found.refusal.reason


def test_an_association_says_which_device_which_patient_since_when_and_who_said_so():
    told = report(ORDER, BEGIN, EQUIPMENT, AUTHOR)
    assert (told.device, told.from_ms, told.until_ms) == ("231A8456B1CB2366", NOON_MS, None)
    assert (told.reporter, told.validated) == ("58793", True)
    assert told.patient.startswith("p-")


@pytest.mark.parametrize(("status", "validated"), [("F", True), ("C", True), ("R", False)])
def test_only_what_a_person_confirmed_is_validated(status, validated):
    assert report(ORDER, f"{BEGIN[:-1]}{status}", EQUIPMENT, AUTHOR).validated == validated


def test_an_end_has_the_id_of_its_beginning_and_leaves_the_beginnings_time_as_it_was():
    begin = report(ORDER, BEGIN, EQUIPMENT, AUTHOR)
    order = ORDER.replace("15404652", "15404712").replace("120000", "230000").replace("123000", "230000")
    end = report(order + PARENT, END, EQUIPMENT.replace("|20160726120000", "||20160726230000"), AUTHOR)
    assert end.id == begin.id
    assert (end.from_ms, end.until_ms) == (None, NOON_MS + 11 * 3_600_000)


def test_an_end_whose_device_has_no_time_ends_with_the_order():
    assert report(ORDER, END, EQUIPMENT.replace("|20160726120000", "")).until_ms == NOON_MS + 1_800_000


def test_a_wrong_association_holds_no_time():
    told = report(ORDER + PARENT, f"{BEGIN[:-1]}W", EQUIPMENT.replace("|20160726120000", ""), AUTHOR)
    assert told.from_ms == told.until_ms
    assert told.from_ms is not None


def test_who_confirmed_counts_before_who_asserted_and_the_sender_where_nobody_is_named():
    confirming = AUTHOR.replace("AUT^AUT", "RO^RO").replace("58793", "58796")
    assert report(ORDER, BEGIN, EQUIPMENT, AUTHOR, confirming).reporter == "58796"
    assert report(ORDER, BEGIN, EQUIPMENT).reporter == "icu"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([ORDER, BEGIN, AUTHOR], "no-device"),
        ([ORDER.replace("15404652^^132233FFFE445566^EUI-64", ""), BEGIN, EQUIPMENT], "no-device"),
        ([ORDER, BEGIN.replace("198332^MDC_EVT_ASSOCIATION", "1^X"), EQUIPMENT], "no-observation"),
        (
            [
                ORDER.replace("20160726120000|20160726123000", "|"),
                BEGIN,
                EQUIPMENT.replace("20160726120000", ""),
            ],
            "no-time",
        ),
        ([ORDER.replace("20160726120000|20160726123000", "|"), END, EQUIPMENT], "no-time"),
        ([ORDER, BEGIN, EQUIPMENT.replace("MON5588^^231A8456B1CB2366^EUI-64", "M?N")], "damaged-device"),
    ],
)
def test_a_report_that_lacks_something_is_refused(lines, reason):
    assert report(*lines) == reason


@pytest.mark.parametrize(("patient", "reason"), [("", "no-patient"), ("A?", "damaged-patient")])
def test_a_report_of_nobody_is_refused(patient, reason):
    assert report(ORDER, BEGIN, EQUIPMENT, patient=patient) == reason


def test_a_header_without_its_backslash_as_in_ihes_examples_is_read():
    message = block([msh().replace("^~\\&", "^~&"), "PID|||1", ORDER, BEGIN, EQUIPMENT])
    assert taken(message).report is not None
