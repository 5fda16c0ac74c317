"""What earlier versions wrote is read, and what we write is taken by the one before: both may run side by side."""

import base64
import json
from pathlib import Path

import golden_writer as writer
import numpy as np
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tables.changelog.record import encode
from tables.changelog.record_layout import VERSION

FOLDERS = sorted((Path(__file__).parent / "golden").iterdir(), key=lambda path: int(path.name.split("-")[0]))
MODELS = {model.__name__: model for model in writer.RECORDS}
ADDED = "added_by_a_later_version"
READERS_FIRST = {
    *("Frame", "Tick", "Signed", "Sealed", "Audited", "WardReport", "WardState", "WardRuling", "Association"),
    *(
        "Placement",
        "Movement",
        "Heard",
        "Visit",
        "NamedPlace",
        "Departure",
        "Assignment",
        "WardFacts",
        "BedFacts",
    ),
    *("FormularyLine", "Note", "RulesMark", "Rules"),
}
"""Contracts whose readers refuse a field that they do not know, as docs/operations.md says under Upgrading."""


def golden(folder, name):
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_there_is_a_version_to_be_held_to():
    assert FOLDERS


@each
def test_every_record_that_an_earlier_version_wrote_is_read_as_what_it_said(folder):
    for name, text in golden(folder, "records").items():
        read = MODELS[name].model_validate_json(text).model_dump(mode="json", exclude_unset=True)
        assert read == json.loads(text), name


def test_every_published_contract_has_a_golden_record():
    assert {name.lower() for name in MODELS} == set(writer.schemas())


def test_what_we_write_is_taken_by_the_version_before():
    theirs = golden(FOLDERS[-1], "schemas")
    refused = {
        name: error.message
        for name, text in writer.records().items()
        if name.lower() in theirs
        for error in Draft202012Validator(theirs[name.lower()]).iter_errors(json.loads(text))
    }
    assert refused == {}


def test_no_contract_of_the_version_before_is_gone_and_none_of_its_fields():
    ours = writer.schemas()
    gone = [
        (name, field)
        for name, schema in golden(FOLDERS[-1], "schemas").items()
        for field in schema.get("properties", {})
        if field not in ours.get(name, {}).get("properties", {})
    ]
    assert gone == []


def test_a_required_field_is_none_that_the_version_before_does_not_write():
    before = golden(FOLDERS[-1], "schemas")
    added = {
        name: sorted(set(schema.get("required", ())) - set(before[name].get("required", ())))
        for name, schema in writer.schemas().items()
        if name in before
    }
    assert {name: fields for name, fields in added.items() if fields} == {}


@pytest.mark.parametrize("name", sorted(set(MODELS) - READERS_FIRST))
def test_a_reader_passes_over_an_optional_field_that_a_later_version_has_added(name):
    text = writer.records()[name]
    later = json.dumps(json.loads(text) | {ADDED: {"value": 1}})
    assert MODELS[name].model_validate_json(later) == MODELS[name].model_validate_json(text)


@pytest.mark.parametrize("name", sorted(READERS_FIRST))
def test_a_contract_whose_readers_go_first_refuses_what_they_do_not_know(name):
    later = json.dumps(json.loads(writer.records()[name]) | {ADDED: 1})
    with pytest.raises(ValidationError, match=ADDED):
        MODELS[name].model_validate_json(later)


@each
def test_a_patient_s_state_that_an_earlier_version_wrote_is_what_it_read_itself(folder):
    theirs = golden(folder, "patient")
    judge, _ = writer.judged()
    table, row = writer.read_back(judge, base64.b64decode(theirs["record"]))
    assert differing(theirs["state"], writer.state(judge, table, row)) == []


def differing(theirs, ours, where="state"):
    """Return where two states differ; what only ours has is new, and what only theirs has is gone."""
    if isinstance(theirs, dict):
        gone = [f"{where}.{name} is gone" for name in theirs if name not in ours]
        return gone + [
            one
            for name in theirs.keys() & ours.keys()
            for one in differing(theirs[name], ours[name], f"{where}.{name}")
        ]
    if isinstance(theirs, list) and where == "state.devices":
        assert len(theirs) == len(ours)
        return [
            one
            for place, pair in enumerate(zip(theirs, ours, strict=True))
            for one in differing(*pair, f"{where}[{place}]")
        ]
    same = theirs == ours or np.array_equal(np.array(theirs, float), np.array(ours, float), equal_nan=True)
    return [] if same else [where]


def test_a_state_that_differs_in_one_number_is_told():
    judge, table = writer.judged()
    row = table.row_of[writer.PATIENT]
    before = writer.state(judge, table, row)
    table.alarm_events[row, 0] += 1
    assert len(differing(before, writer.state(judge, table, row))) == 1


def test_the_record_that_we_write_of_a_patient_is_one_that_the_version_before_reads():
    theirs = golden(FOLDERS[-1], "patient")
    assert VERSION in theirs["reads"], (
        f"workers of {FOLDERS[-1].name} read versions {theirs['reads']}: "
        "write the version before for one release more, and read both"
    )
    if theirs["writes"] == VERSION:
        record = base64.b64decode(theirs["record"])
        judge, _ = writer.judged()
        table, row = writer.read_back(judge, record)
        assert encode(table, np.array([row]), writer.keys_of(judge))[0] == record
