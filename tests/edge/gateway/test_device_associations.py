"""DeviceAssociations put devices on patients, as DEV-51 does, and what contradicts is refused as there."""

import pytest
from fhir_stays import PATIENT, Ward, association, at_bed, encounter, ms, period, put_in
from fhir_world import bundle, observation

from edge.gateway.accept import Sender
from streams.contracts.association import KEPT_MS, Association

OTHER = {"identifier": {"system": "urn:vigil:stream", "value": "p-2"}}
MON = {"device": {"identifier": {"value": "mon"}}}


@pytest.fixture
def ward():
    return Ward(mon="icu:1")


@pytest.mark.parametrize("status", ["attached", "implanted"])
def test_a_device_is_on_a_patient_from_its_beginning_to_its_end_as_nobody_has_confirmed(ward, status):
    assert ward.say(association(status, period(-10, -2))) == (201, "")
    assert ward.course(-11, -10, -3, -2, device="mon-a") == "- p-1 p-1 -"
    (told,) = ward.told()
    assert isinstance(told, Association)
    assert (told.source, told.reporter, told.validated) == ("fhir", "anybody", False)


@pytest.mark.parametrize("named", [{}, {"identifier": [{"system": "s", "value": "1"}]}])
def test_the_same_association_again_is_one_and_its_end_ends_it(ward, named):
    for _ in range(2):
        assert ward.say(association(**named)) == (201, "")
    assert len(ward.door.stored) == 1
    assert ward.say(association("explanted", period(-10, -2), **named)) == (201, "")
    assert ward.course(-3, -2, device="mon-a") == "p-1 -"
    assert ward.say(association(span=period(-1), subject=OTHER)) == (201, "")
    assert ward.course(0, device="mon-a") == "p-2"


def test_an_end_may_leave_its_beginning_out_where_that_is_known(ward):
    end = association("explanted", period(end=-2))
    assert ward.say(end, name="7") == (422, "no-beginning")
    ward.say(association(), name="7")
    assert ward.say(end, name="7") == (201, "")
    assert ward.course(-3, -2, device="mon-a") == "p-1 -"


def test_what_was_entered_in_error_holds_no_time(ward):
    ward.say(association(), name="7")
    assert ward.say(association("entered-in-error"), name="7") == (201, "")
    assert ward.course(-10, 0, device="mon-a") == "- -"


def test_another_patients_device_is_refused_whoever_says_it_and_a_contradiction_to_admission_too(ward):
    ward.say(association())
    assert ward.say(association(subject=OTHER, span=period(-5))) == (409, "device-associated")
    ward.say(encounter(at_bed("icu:1", -10)))
    assert ward.say(association(subject=OTHER, **MON)) == (409, "device-associated")
    assert ward.say(association(**MON)) == (201, "")
    assert ward.course(-5) == "p-1"


def test_an_association_is_never_turned_to_another_device_and_is_its_senders_own(ward):
    ward.say(association(), name="7")
    assert ward.say(association(**MON), name="7") == (409, "other-device")
    assert ward.course(0, device="mon-a") == "p-1"
    other = {"identify": lambda *_: Sender("other", ("*",), names_patients=True)}
    assert ward.say(association(device={"identifier": {"value": "b"}}), name="7", **other) == (201, "")
    ward.say(association("entered-in-error"), name="7")
    assert ward.say(association(**MON), name="7") == (201, "")


def test_a_device_that_is_not_the_senders_is_refused(ward):
    own = {"identify": lambda *_: Sender("x", ("other",), names_patients=True)}
    assert ward.say(association(), **own) == (403, "foreign-device")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "unknown"}, "status"),
        ({"status": "active"}, "status"),
        ({"device": None}, "no-device"),
        ({"device": {"reference": "DeviceDefinition/1"}}, "no-device"),
        ({"device": {"identifier": {"value": "m?n"}}}, "damaged-device"),
        ({"subject": None}, "no-patient"),
        ({"subject": {"reference": "Practitioner/1"}}, "no-patient"),
        ({"subject": {"identifier": {"value": "M?"}}}, "damaged-patient"),
        ({"span": {"start": "2026-03"}}, "no-time"),
        ({"span": {"other": "x"}}, "no-time"),
        ({"status": "explanted"}, "no-time"),
        ({"status": "entered-in-error", "span": period(end=-2)}, "no-time"),
        ({"span": period(-2, -10)}, "invalid"),
        ({"span": period(-KEPT_MS // 60_000 - 9, -KEPT_MS // 60_000 - 8)}, "too-old"),
        ({"modifierExtension": [{"url": "x"}]}, "modifier"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(ward, changes, reason):
    assert ward.say(association(**changes)) == (400 if reason == "invalid" else 422, reason)
    assert ward.door.stored == []


def test_a_status_of_another_system_or_two_of_them_is_none(ward):
    def coded(*pairs):
        made = association()
        made["status"] = {"coding": [{"system": system, "code": code} for system, code in pairs]}
        return made

    own = "http://hl7.org/fhir/deviceassociation-status"
    assert ward.say(coded(("urn:x", "attached"))) == (422, "status")
    assert ward.say(coded((own, "attached"), (own, "explanted"))) == (422, "status")
    assert ward.say(coded(("urn:x", "explanted"), (own, "attached"))) == (201, "")
    assert ward.say(association() | {"status": "attached"}) == (400, "invalid")


def test_what_stands_in_one_bundle_is_filed_by_what_it_says_of_who_is_where(ward):
    reading = observation(subject=None, **MON)
    entries = [put_in(reading), put_in(encounter(at_bed("icu:1", -10)))]
    assert ward.say(bundle(*entries, kind="transaction")) == (200, "")
    order = [one for one, _, _ in ward.door.stored]
    assert (len(order), len(ward.door.given)) == (1, 1)
    assert ward.known.on("mon", ms(0)) == PATIENT["identifier"]["value"]
