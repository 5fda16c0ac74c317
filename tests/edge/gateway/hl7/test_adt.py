"""ADT as events of the registrar."""

import pytest
from hl7_world import block, msh, taken

PID = "PID|||MRN1^^^HOSP^MR||Doe^Jane"
EVN = "EVN|A02|20261129153000+0000|||op|20261129152500+0000"


def events(event, *lines, message_id="77"):
    return taken(block([msh(message_id, f"ADT^{event}^ADT_A01"), *lines]))


@pytest.mark.parametrize(
    ("event", "kind"),
    [("A01", "admit"), ("A02", "transfer"), ("A03", "discharge"), ("A08", "update"), ("A12", "cancel-transfer"),
     ("A13", "cancel-discharge")],
)  # fmt: skip
def test_an_event_says_who_where_and_when(event, kind):
    (told,) = events(event, EVN, PID, "PV1||I|ICU^2^7|||ER^1^3").events
    assert (told.kind, told.place, told.prior_place, told.prior_patient) == (kind, "ICU:2:7", "ER:1:3", None)
    assert (told.event_ms, told.id) == (1_795_965_900_000, "77")
    assert told.patient.startswith("p-")


def test_a_merge_names_both_patients_and_may_be_of_several():
    first, second = events(
        "A40", "EVN|A40|20261129153000+0000", PID, "MRG|MRN9^^^HOSP^MR", "PID|||MRN2", "MRG|MRN8"
    ).events
    assert first.kind == "merge"
    assert None not in (first.prior_patient, second.prior_patient)
    assert len({first.patient, first.prior_patient, second.patient, second.prior_patient}) == 4
    assert first.id != second.id


def test_the_time_is_when_it_happened_before_when_it_was_noted_before_the_messages():
    assert events("A01", EVN, PID).events[0].event_ms == 1_795_965_900_000
    assert events("A01", "EVN|A01|20261129153000+0000", PID).events[0].event_ms == 1_795_966_200_000
    assert events("A01", PID).events[0].event_ms == 1_795_966_200_250


@pytest.mark.parametrize(
    ("event", "lines", "reason"),
    [
        ("A04", [PID], "event"),
        ("A01", [], "no-patient"),
        ("A01", ["PID|||"], "no-patient"),
        ("A40", [PID], "no-patient"),
        ("A01", ["PID|||M?N"], "damaged-patient"),
        ("A40", [PID, "MRG|M?N"], "damaged-patient"),
        ("A01", [PID, "PV1||I|Intensiv?^1"], "damaged-device"),
        ("A01", ["EVN|A01|20261129", PID.replace("PID", "PID")], None),
    ],
)
def test_what_cannot_be_filed_is_refused(event, lines, reason):
    found = events(event, *lines)
    assert (found.refusal.reason if found.refusal else None) == reason


def test_a_patient_of_adt_is_the_patient_of_the_observations():
    observed = (
        taken(block([msh(), "PID|||MRN1^^^HOSP^MR", "OBX|1|NM|147842^^MDC||80"])).readings[0].frame.patient
    )
    assert events("A01", PID).events[0].patient == observed
