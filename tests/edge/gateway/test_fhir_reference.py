"""Observations that fhir.resources has built and read, by a plain reference, and by the gateway: the same frames."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from fhir.resources.observation import Observation as ObservationR5
from fhir.resources.R4B.observation import Observation as ObservationR4
from fhir_world import LOINC, MDC, UCUM, coded, observation
from hypothesis import given
from hypothesis import strategies as st
from msgspec.json import decode

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.fhir.fhir_readings import Seen, seen_in
from edge.gateway.fhir.resources import Observation
from edge.gateway.pseudonym import Pseudonyms
from streams.decoding.wire_frames import WireBound

TAKEN = {"final", "amended", "corrected", "preliminary"}
CODES = {
    "8867-4": ("hr", LOINC),
    "9279-1": ("resp", LOINC),
    "2708-6": ("spo2", LOINC),
    "8310-5": ("temp", LOINC),
    "8480-6": ("nbp_sys", LOINC),
    "150037": ("abp_sys", MDC),
    "149530": ("pulse", MDC),
}
UNITS = {
    "/min": ("/min", 1, 0),
    "%": ("%", 1, 0),
    "mm[Hg]": ("mm[Hg]", 1, 0),
    "Cel": ("Cel", 1, 0),
    "kPa": ("mm[Hg]", 7.50062, 0),
    "K": ("Cel", 1, -273.15),
    "kg": ("", 1, 0),
}

numbers = st.decimals(-200, 500, places=2).map(float)
statuses = st.sampled_from([*sorted(TAKEN), "entered-in-error", "cancelled", "registered", "unknown"])
times = st.one_of(
    st.integers(0, 4_000_000_000_000).map(
        lambda at_ms: datetime.fromtimestamp(at_ms / 1000, UTC).isoformat("T", "milliseconds")
    ),
    st.sampled_from(["2026", "2026-03", "2026-03-01", "2026-03-01T12:00:00+05:30", "2016-12-31T23:59:60Z"]),
)
quantities = st.builds(
    lambda value, unit, comparator: {
        "value": value,
        "system": UCUM,
        "code": unit,
        **({"comparator": comparator} if comparator else {}),
    },
    numbers,
    st.sampled_from(sorted(UNITS)),
    st.sampled_from(["", "", "<", "<=", ">=", ">", "ad", "~"]),
)


def expected(model, text):
    """Return (signal, comparator, value, moment in ms), None if it is refused: slowly, by fhir.resources."""
    given_time = json.loads(text)["effectiveDateTime"]
    at = model.effectiveDateTime
    if model.status not in TAKEN or not isinstance(at, datetime) or at.tzinfo is None:
        return None
    coding = model.code.coding[0]
    signal, _ = CODES.get(coding.code, ("", ""))
    quantity = model.valueQuantity
    if not signal or (quantity.comparator or "<") not in ("<", "<=", ">=", ">"):
        return None
    bounds = SIGNALS[INDEX[signal]]
    ours, factor, offset = UNITS[quantity.code]
    if ours != bounds.ucum:
        return None
    value = float(quantity.value) * factor + offset
    inside = bounds.low <= round(value, 4) <= bounds.high
    assert re.search(r"T\d\d:\d\d:\d\d", given_time)
    return (
        signal,
        quantity.comparator,
        (pytest.approx(value, abs=1e-4) if inside else None),
        round(at.timestamp() * 1000),
    )


@pytest.mark.parametrize("model", [ObservationR4, ObservationR5])
@given(st.sampled_from(sorted(CODES)), quantities, statuses, times)
def test_the_gateway_reads_what_a_plain_reader_of_fhir_resources_models_reads(model, code, value, status, at):
    made = observation(
        code=coded(code, CODES[code][1]), valueQuantity=value, status=status, effectiveDateTime=at
    )
    text = json.dumps(made)
    wanted = expected(model.model_validate(made), text)
    found = seen_in(decode(text, type=Observation), "", Pseudonyms())
    if wanted is None:
        assert not isinstance(found, Seen)
    else:
        assert isinstance(found, Seen), found
        (said,) = found.said
        bound = said.value if isinstance(said.value, WireBound) else None
        comparator = wanted[1] if wanted[2] is not None else None
        value = said.value if bound is None else bound.value
        assert (bound and bound.comparator) == (comparator or None)
        assert (said.signal, value, found.at_ms) == (wanted[0], *wanted[2:])


def test_what_fhir_resources_writes_of_an_observation_is_read_as_it_was_given():
    for model in (ObservationR4, ObservationR5):
        text = model.model_validate(observation()).model_dump_json()
        found = seen_in(decode(text, type=Observation), "", Pseudonyms())
        assert isinstance(found, Seen)
        assert (
            found.said == seen_in(decode(json.dumps(observation()), type=Observation), "", Pseudonyms()).said
        )


def tree_of(element):
    """Return an XML resource as JSON has it, as far as the fields here need it."""
    if "value" in element.attrib:
        text = element.get("value")
        return Decimal(text) if element.tag.endswith("}value") and re.fullmatch(r"[\d.]+", text) else text
    found = {}
    for child in element:
        name = child.tag.partition("}")[2]
        if child.tag.startswith("{http://hl7.org/fhir}") and name != "text":
            found.setdefault(name, []).append(tree_of(child))
    repeated = {"coding", "component", "category", "profile"}
    return {name: values if name in repeated else values[0] for name, values in found.items()}


@pytest.mark.parametrize(
    ("name", "signals"),
    [
        ("uv-pocd_Observation-HeartRateNumericObservation.xml", {"hr": 60.0}),
        (
            "uv-pocd_Observation-NBPCompoundNumericObservation.xml",
            {"nbp_sys": 120.0, "nbp_dia": 80.0, "nbp_mean": 90.0},
        ),
        ("hl7-fhir_observation-example-satO2.xml", {"spo2": 95.0}),
    ],
)
def test_published_observations_are_read_once_they_name_the_device_itself(recordings, name, signals):
    (path,) = recordings(f"fhir/{name}")
    tree = {"resourceType": "Observation", **tree_of(ElementTree.parse(path).getroot())}
    tree.pop("identifier", None)

    def seen():
        return seen_in(decode(json.dumps(tree, default=float), type=Observation), "", Pseudonyms())

    assert seen().reason == "no-device"
    tree["device"] = {"reference": "Device/mon-1"}
    assert {said.signal: said.value for said in seen().said} == signals
