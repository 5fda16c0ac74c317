"""FHIR over HTTP: what is stored, what each answer says, what a resend is."""

import json
from pathlib import Path

import msgspec
import pytest
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.capabilitystatement import CapabilityStatement as CapabilityR5
from fhir.resources.operationoutcome import OperationOutcome as OutcomeR5
from fhir.resources.R4B.bundle import Bundle as BundleR4
from fhir.resources.R4B.capabilitystatement import CapabilityStatement as CapabilityR4
from fhir.resources.R4B.observation import Observation as ObservationR4
from fhir.resources.R4B.operationoutcome import OperationOutcome as OutcomeR4
from fhir_world import (
    AT,
    AT_MS,
    FHIR,
    INTERVAL_MS,
    MDC,
    asked,
    bundle,
    coded,
    entry,
    observation,
    quantity,
    reason_in,
)
from gateway_world import RecordingDoor

from clinical.vitals import ABSENT
from edge.gateway.accept import Sender
from edge.gateway.fhir.capability import capability_statement
from edge.gateway.fhir.fhir_intake import ENTRIES_MAX
from edge.gateway.fhir.fhir_readings import frames_of, seen_in
from edge.gateway.fhir.resources import Observation
from edge.gateway.pseudonym import Pseudonyms
from streams.contracts.frame import Frame
from streams.decoding.wire_frames import WireBound
from streams.errors import Busy, NotStored

MON_A = Sender("mon-a", ("mon-a",), names_patients=True)
ASYSTOLE = observation(code=coded("199684", MDC), valueQuantity=None, valueBoolean=True)


def carried(frame):
    """Return the signals that a frame carries."""
    fields = msgspec.structs.asdict(frame)
    identity = ("patient", "device", "boot", "seq", "event_ts_ms", "interval_ms")
    return {
        name: value
        for name, value in fields.items()
        if name not in identity and value is not msgspec.UNSET and value != ABSENT
    }


def test_an_observation_is_a_frame_of_its_device_patient_and_moment_and_answered_201():
    status, said, headers, (frame,) = asked(observation())
    assert (status, said, headers["ETag"]) == (201, None, 'W/"1"')
    assert headers["Location"].startswith("/fhir/Observation/")
    assert (frame.patient, frame.device, frame.boot, frame.event_ts_ms) == ("bed-1", "mon-a", 0, AT_MS)
    assert frame.interval_ms == INTERVAL_MS
    assert carried(frame) == {"spo2": 97.0}


def test_a_panel_is_one_frame_with_the_values_of_its_components():
    panel = observation(
        code=coded("85354-9"),
        valueQuantity=None,
        component=[
            {"code": coded("8480-6"), "valueQuantity": quantity(120, "mm[Hg]")},
            {"code": coded("8462-4"), "valueQuantity": quantity(10, "kPa")},
            {"code": coded("8478-0"), "dataAbsentReason": {"text": "cuff"}},
            {"code": coded("8358-4"), "valueQuantity": quantity(3, "cm")},
        ],
    )
    frame = asked(panel)[3][0]
    assert carried(frame) == {"nbp_sys": 120.0, "nbp_dia": 75.0062, "nbp_mean": None}
    panel["code"]["coding"].append({"system": MDC, "code": "150036"})
    assert set(carried(asked(panel)[3][0])) == {"abp_sys", "abp_dia", "abp_mean"}


def test_a_bundle_makes_one_frame_for_each_device_and_moment_and_answers_entry_by_entry():
    pulse = observation(code=coded("149530", MDC), valueQuantity=quantity(60, "/min"))
    other = observation(device={"reference": "Device/mon-b"})
    status, said, _, frames = asked(bundle(entry(), entry(pulse), entry(other), entry({"a": 1})), "/fhir")
    assert status == 200
    assert [one["response"]["status"] for one in said["entry"]] == ["201 Created"] * 3 + ["422"]
    assert [(one.device, carried(one)) for one in frames] == [
        ("mon-a", {"spo2": 97.0, "pulse": 60.0}),
        ("mon-b", {"spo2": 97.0}),
    ]
    BundleR4.model_validate(said)
    BundleR5.model_validate(said)


def test_a_transaction_with_one_refused_entry_stores_nothing():
    for spoilt in (observation(status="cancelled"), observation(device={"identifier": {"value": "other"}})):
        status, said, _, frames = asked(
            bundle(entry(), entry(spoilt), kind="transaction"), "/fhir", identify=lambda *_: MON_A
        )
        assert (status, frames, len(said["issue"])) == (400, [], 1)
        assert said["issue"][0]["expression"] == ["Bundle.entry[1]"]
    status, said, _, frames = asked(bundle(entry(), kind="transaction"), "/fhir/")
    assert (status, said["type"], len(frames)) == (200, "transaction-response", 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "entered-in-error"}, "withdrawn"),
        ({"status": "cancelled"}, "withdrawn"),
        ({"status": "registered"}, "not-a-result"),
        ({"status": "unknown"}, "status"),
        ({"status": "fianl"}, "status"),
        ({"status": None}, "status"),
        ({"effectiveDateTime": None}, "no-time"),
        ({"effectiveDateTime": "2026"}, "no-time"),
        ({"effectiveDateTime": "2026-03-01T12:00:00"}, "no-time"),
        ({"device": None}, "no-device"),
        ({"device": {"reference": "DeviceMetric/spo2"}}, "no-device"),
        ({"device": {"reference": "urn:uuid:0"}}, "no-device"),
        ({"device": {"reference": "#dev"}}, "no-device"),
        ({"device": {"identifier": {"value": "mon\ufffd"}}}, "damaged-device"),
        ({"device": {"identifier": {"system": "urn:k\ufffd", "value": "7"}}}, "damaged-device"),
        ({"device": {"identifier": {"system": "s" * 256, "value": "7"}}}, "damaged-device"),
        ({"device": {"reference": f"http://{'a' * 256}/Device/7"}}, "damaged-device"),
        ({"effectiveDateTime": AT.replace("+", "0" * 64 + "+")}, "no-time"),
        ({"code": coded("29463-7")}, "unknown-code"),
        ({"code": None}, "unknown-code"),
        ({"code": {"coding": coded("59408-5")["coding"] + coded("147842", MDC)["coding"]}}, "codes-disagree"),
        ({"valueQuantity": quantity(97, "kg")}, "unknown-unit"),
        ({"valueQuantity": {"value": 97}}, "unknown-unit"),
        ({"valueQuantity": {"value": 97, "unit": " "}}, "unknown-unit"),
        ({"valueQuantity": {"value": 97, "unit": "NU"}}, "unknown-unit"),
        ({"valueQuantity": quantity(97, comparator="ad")}, "comparator"),
        ({"valueQuantity": quantity(97, comparator="about")}, "comparator"),
        ({"valueQuantity": {"unit": "%"}}, "no-value"),
        ({"valueQuantity": None}, "no-value"),
        ({"valueQuantity": None, "valueString": "97"}, "value-type"),
        ({"valueQuantity": None, "valueInteger": 97}, "value-type"),
        ({"valueString": "97"}, "contradiction"),
        ({"dataAbsentReason": coded("unknown")}, "contradiction"),
        ({"modifierExtension": [{"url": "x"}]}, "modifier"),
        ({"implicitRules": "x"}, "modifier"),
        ({"resourceType": "Patient"}, "resource-type"),
        ({"code": coded("199684", MDC)}, "value-type"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_reason(changes, reason):
    status, said, headers, frames = asked(observation(**changes))
    assert (status, reason_in(said), frames) == (422, reason, [])
    assert headers["Content-Type"].startswith("application/fhir+json")
    OutcomeR4.model_validate(said)
    OutcomeR5.model_validate(said)


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">"])
def test_a_comparator_is_a_bound_and_never_a_value(comparator):
    frame = asked(observation(valueQuantity=quantity(85, comparator=comparator)))[3][0]
    assert carried(frame) == {"spo2": None, "bounds": {"spo2": WireBound(comparator, 85.0)}}
    assert Frame.model_validate_json(msgspec.json.encode(frame)).bounds["spo2"].value == 85.0


def test_a_bound_and_what_no_sensor_reports_are_no_value_and_both_are_counted():
    for value, kept, reason in (
        (quantity(85, comparator="<"), {"spo2": WireBound("<", 85.0)}, "bound"),
        (quantity(400), None, "implausible"),
        (quantity(400, comparator="<"), None, "implausible"),
        (quantity(-100), None, ""),
    ):
        frame = asked(observation(valueQuantity=value))[3][0]
        assert carried(frame) == {"spo2": None} | ({"bounds": kept} if kept else {})
        labels = {"protocol": "fhir", "reason": reason}
        counted = asked.metrics.registry.get_sample_value("vigil_gateway_refused_total", labels)
        assert counted == (1.0 if reason else None)


def test_no_value_with_a_reason_is_an_explicit_null_and_a_flag_is_a_yes_or_no():
    absent = observation(valueQuantity=None, dataAbsentReason=coded("not-performed"))
    assert carried(asked(absent)[3][0]) == {"spo2": None}
    assert carried(asked(ASYSTOLE)[3][0]) == {"asystole": True}
    no = observation(code=coded("199684", MDC), valueQuantity=None, valueCodeableConcept=coded("LA32-8"))
    assert carried(asked(no)[3][0]) == {"asystole": False}


def test_a_resend_is_one_reading_by_identifier_else_by_if_none_exist_else_by_content():
    def seq(headers=FHIR, **changes):
        return asked(observation(**changes), headers=headers)[3][0].seq

    named = {"identifier": [{"system": "s", "value": "1"}]}
    once = {**FHIR, "If-None-Exist": "identifier=s|1"}
    assert seq(**named) == seq(**named, valueQuantity=quantity(96), headers=once)
    assert seq(headers=once) == seq(headers=once, valueQuantity=quantity(96))
    assert seq() == seq(note=[{"text": "read over"}])
    # A number within one millisecond is a short hash, so that these differ is known, not promised.
    assert len({seq(**named), seq(headers=once), seq(), seq(valueQuantity=quantity(95))}) == 4


def test_signals_of_one_moment_that_are_posted_one_by_one_never_share_a_number():
    signals = ("147842", "149530", "150456", "151562", "150037", "150038", "150039", "150344", "151708")
    seqs = set()
    for place in range(20):
        for code in signals:
            named = [{"system": "s", "value": f"{place}"}]
            unit = {"150344": "Cel", "150456": "%"}.get(
                code, "/min" if code < "150037" or code == "151562" else "mm[Hg]"
            )
            made = observation(code=coded(code, MDC), identifier=named, valueQuantity=quantity(37, unit))
            seen = seen_in(msgspec.json.decode(json.dumps(made), type=Observation), "", Pseudonyms())
            seqs.add((code, frames_of([seen], 1_000)[0][0].frame.seq))
    by_code = {code: {seq for one, seq in seqs if one == code} for code in signals}
    assert sum(map(len, by_code.values())) == len(set().union(*by_code.values()))
    assert {seq // 1_000 for _, seq in seqs} == {AT_MS}


def test_a_bundle_in_another_order_makes_the_same_frame():
    pulse = observation(code=coded("149530", MDC), valueQuantity=quantity(60, "/min"))
    there = asked(bundle(entry(), entry(pulse)), "/fhir")[3][0]
    back = asked(bundle(entry(pulse), entry()), "/fhir")[3][0]
    assert (there.seq, carried(there)) == (back.seq, carried(back))
    once, other = (asked(bundle(entry(ifNoneExist=text)), "/fhir")[3][0].seq for text in ("a=1", "a=2"))
    assert once != other


def test_a_patient_is_a_pseudonym_unless_the_id_is_vigils_own_and_a_damaged_one_is_nobody():
    def patient(subject):
        return asked(observation(subject=subject))[3][0].patient

    assert patient({"identifier": {"system": "s", "value": "4711"}}) == Pseudonyms().of("s", "4711")
    assert patient({"reference": "Patient/4711"}) == Pseudonyms().of("", "4711")
    assert patient({"reference": "http://a/Patient/4711/_history/2"}) == Pseudonyms().of("http://a", "4711")
    assert patient({"identifier": {"system": "s", "value": "47?1"}}) == ""
    assert patient({"identifier": {"system": "s" * 256, "value": "4711"}}) == ""
    assert patient({"reference": "Group/1"}) == ""
    assert patient(None) == ""


def test_a_device_is_its_eui_64_or_its_identifier_with_who_gave_it_out():
    def device(**reference):
        return asked(observation(device=reference))[3][0].device

    assert (
        device(identifier={"system": "urn:oid:1.2", "value": "00-1a-2b-3c-4d-5e-6f-70"}) == "001A2B3C4D5E6F70"
    )
    assert device(identifier={"system": "GE", "value": "7"}) == "7@GE"
    assert device(reference="Device/mon-7") == "mon-7"
    assert device(reference="http://a/fhir/Device/7") != device(reference="http://b/fhir/Device/7")


@pytest.mark.parametrize(
    ("what", "path", "status"),
    [
        (b"{", "/fhir/Observation", 400),
        (b"[]", "/fhir/Observation", 400),
        (observation(valueQuantity={"value": "97"}), "/fhir/Observation", 400),
        (b"{", "/fhir", 400),
        (bundle(), "/fhir", 400),
        (bundle(entry(), kind="collection"), "/fhir", 400),
        (observation(), "/fhir", 400),
        (bundle(*[entry()] * (ENTRIES_MAX + 1)), "/fhir", 413),
        (b"[" + b"," * 200_000, "/fhir", 413),
        (b"{}", "/fhir/Patient", 404),
        (b"{}", "/fhir/metadata", 405),
    ],
)
def test_a_request_that_is_not_taken_gets_an_operation_outcome(what, path, status):
    found, said, _, frames = asked(what, path)
    assert (found, said["resourceType"], frames) == (status, "OperationOutcome", [])
    OutcomeR4.model_validate(said)


def test_a_transaction_of_which_kafka_has_taken_a_part_is_no_400_for_something_of_it_is_there():
    foreign = observation(device={"identifier": {"value": "foreign"}})
    status, said, _, frames = asked(bundle(entry(), entry(foreign), kind="transaction"), "/fhir")
    assert (status, len(frames)) == (500, 2)
    reasons = [one["details"]["coding"][0]["code"] for one in said["issue"]]
    assert reasons == ["foreign-device", "part-stored"]
    OutcomeR4.model_validate(said)
    assert asked(bundle(entry(foreign), kind="transaction"), "/fhir")[0] == 400


def test_a_device_of_others_is_forbidden():
    status, said, _, _ = asked(observation(device={"identifier": {"value": "foreign"}}))
    assert (status, reason_in(said)) == (403, "foreign-device")


def test_a_subject_that_is_a_device_is_the_device():
    frame = asked(observation(device=None, subject={"reference": "Device/mon-9"}))[3][0]
    assert (frame.device, frame.patient) == ("mon-9", "")


def test_other_statuses_are_those_of_the_http_door():
    assert asked(observation(), headers={"Content-Type": "application/fhir+xml"})[0] == 415
    status, said, headers, _ = asked(observation(), identify=lambda *_: None)
    assert (status, reason_in(said), headers["WWW-Authenticate"]) == (401, "unauthenticated", "Bearer")
    for error, expected in (
        (Busy("full", 2.0), 503),
        (Busy("yours", 2.0, kafka=False), 429),
        (NotStored("?"), 503),
    ):
        door = RecordingDoor()
        door.raises.append(error)
        status, said, headers, _ = asked(observation(), door=door)
        assert (status, said["resourceType"]) == (expected, "OperationOutcome")
        assert int(headers["Retry-After"]) >= 1


def test_an_entry_asks_for_a_post_to_observation():
    put = entry()
    put["request"] = {"method": "PUT", "url": "Observation/1"}
    _, said, _, frames = asked(bundle(put, {"resource": observation()}, entry(), 7), "/fhir")
    reasons = [reason_in(one["response"]["outcome"]) for one in said["entry"] if "outcome" in one["response"]]
    assert (reasons, len(frames)) == (["request", "request", "invalid"], 1)


def test_the_capability_statement_is_one_of_r4_and_of_r5():
    CapabilityR4.model_validate(capability_statement())
    CapabilityR5.model_validate(capability_statement())


def test_a_bundle_of_another_program_is_taken():
    made = ObservationR4.model_validate(observation())
    built = BundleR4(
        type="transaction",
        entry=[{"resource": made, "request": {"method": "POST", "url": "Observation"}}],
    )
    status, said, _, frames = asked(built.model_dump_json().encode(), "/fhir")
    assert (status, said["entry"][0]["response"]["status"]) == (200, "201 Created")
    assert carried(frames[0]) == {"spo2": 97.0}
    assert Path(said["entry"][0]["response"]["location"]).parts[0] == "Observation"
    assert json.loads(built.model_dump_json())["entry"]
