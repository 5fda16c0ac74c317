"""Exports: no formula in a spreadsheet, a FHIR Bundle that is one, Parquet that holds the same readings."""

import csv
import io
import json
import re
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf_model import BELIEVED, HOUR_0_MS, frames_of

from clinical.vitals import SIGNALS
from edge.fhir.elements import CATEGORY, LOINC, PROFILE, UCUM
from edge.history import fhir, narrow
from edge.history.export import export, single_readings
from edge.history.rows import in_order, rows_of
from edge.spreadsheet import cell, write_csv
from streams.decoding.decoder import Decoder
from streams.errors import UsageError

NOW_MS = HOUR_0_MS + 5_000
ROWS = in_order(
    frames_of(
        [
            (0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0, "spo2": 97.0, "temp": 36.65, "consciousness": 2.0}),
            (
                1,
                "bed-1",
                1,
                HOUR_0_MS + 1_001,
                {"hr": None, "resp": 500.0, "asystole": 1.0, "abp_sys": 120.0},
            ),
        ]
    )
)


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("http://x","y")',
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\N{NO-BREAK SPACE}=1",
        "\N{FULLWIDTH EQUALS SIGN}1",
        "%0A=1",
        "|calc",
    ],
)
def test_no_text_of_an_export_is_a_formula(text):
    """CVE-2020-16214: what a device sent as a name ran in the spreadsheet of who opened a station's export."""
    file = io.StringIO(newline="")
    write_csv(file, ["patient", text], [[text, -1.5]])
    file.seek(0)
    header, row = csv.reader(file)
    for found in (header[1], row[0]):
        assert found == "'" + text
    assert row[1] == "-1.5"


@given(st.text(max_size=6))
def test_whatever_a_text_is_no_spreadsheet_runs_it_and_it_can_be_read_back(text):
    file = io.StringIO(newline="")
    write_csv(file, ["a"], [[text]])
    file.seek(0)
    (found,) = list(csv.reader(file))[1]
    assert found in (text, "'" + text)
    shown = "".join(char for char in found if char.isprintable()).lstrip()
    assert not shown.startswith(("=", "+", "-", "@"))


def test_numbers_are_written_as_numbers_and_nothing_as_nothing():
    assert [cell(value) for value in (None, True, 3, 97.0, 36.65, -1.5)] == [
        "",
        "1",
        "3",
        "97",
        "36.65",
        "-1.5",
    ]


def test_a_csv_has_a_line_a_frame_with_units(tmp_path):
    assert export(ROWS, "csv", tmp_path / "a.csv", "bed-1", NOW_MS) == 2
    header, *rows = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert header[:3] == ["time", "ts_ms", "patient"]
    assert "hr [bpm]" in header
    assert rows[0][header.index("temp [Cel]")] == "36.65"
    assert rows[1][header.index("hr [bpm]")] == ""


def test_parquet_holds_the_same_rows(tmp_path):
    export(ROWS, "parquet", tmp_path / "a.parquet", "bed-1", NOW_MS)
    assert narrow.read(tmp_path / "a.parquet").equals(ROWS)


def entries(tmp_path):
    export(ROWS, "fhir", tmp_path / "a.json", "bed-1", NOW_MS)
    found = json.loads((tmp_path / "a.json").read_text())
    assert (found["resourceType"], found["type"]) == ("Bundle", "collection")
    return found["entry"]


INSTANT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"


def test_a_bundle_is_built_as_fhir_r4_and_the_vital_signs_profile_say(tmp_path):
    for entry in entries(tmp_path):
        resource = entry["resource"]
        assert entry["fullUrl"] == f"urn:uuid:{resource['id']}"
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", resource["id"])
        assert (resource["resourceType"], resource["status"]) == ("Observation", "final")
        (category,) = resource["category"]
        assert category["coding"][0] == {"system": CATEGORY, "code": "vital-signs"}
        assert re.fullmatch(INSTANT, resource["effectiveDateTime"])
        assert resource["subject"]["identifier"]["value"] == "bed-1"
        codes = {coding["code"] for coding in resource["code"]["coding"] if coding["system"] == LOINC}
        assert codes
        assert all(re.fullmatch(r"\d{3,5}-\d", code) for code in codes)
        assert ("valueQuantity" in resource) != ("valueCodeableConcept" in resource)
        if "valueQuantity" in resource:
            assert resource["valueQuantity"]["system"] == UCUM
            assert isinstance(resource["valueQuantity"]["value"], float)


def test_a_bound_in_place_of_a_value_is_in_no_export(tmp_path):
    bounds = {"spo2": {"comparator": "<", "value": 80}}
    frame = {"patient": "bed-1", "device": "mon-1", "boot": 1, "seq": 0, "event_ts_ms": HOUR_0_MS}
    said = [
        frame | {"hr": 70, "spo2": None, "bounds": bounds},
        frame | {"seq": 1, "hr": 71, "bounds": bounds},
    ]
    sent = [
        SimpleNamespace(offset=i, timestamp=HOUR_0_MS, key=b"bed-1", value=json.dumps(one).encode())
        for i, one in enumerate(said)
    ]
    rows = rows_of(Decoder(with_copies=True).decode(sent).parts[0], 0, BELIEVED)
    assert export(rows, "fhir", tmp_path / "a.json", "bed-1", NOW_MS) == 2
    assert "oxygen" not in (tmp_path / "a.json").read_text()
    export(rows, "csv", tmp_path / "a.csv", "bed-1", NOW_MS)
    header, *lines = csv.reader((tmp_path / "a.csv").read_text().splitlines())
    assert [line[header.index("hr [bpm]")] for line in lines] == ["70", "71"]
    assert all(line[header.index(name)] == "" for line in lines for name in header if "spo2" in name)


def test_codes_and_units_are_those_of_the_signals_and_what_no_sensor_reports_is_left_out(tmp_path):
    found = {entry["resource"]["code"]["text"]: entry["resource"] for entry in entries(tmp_path)}
    titles = {
        signal.title
        for signal in SIGNALS
        if signal.name in ("hr", "spo2", "temp", "consciousness", "abp_sys")
    }
    assert found.keys() == titles
    spo2 = found["oxygen saturation"]
    assert [coding["code"] for coding in spo2["code"]["coding"]] == ["2708-6", "59408-5", "150456"]
    assert spo2["valueQuantity"] == {"value": 97.0, "unit": "%", "system": UCUM, "code": "%"}
    assert spo2["meta"]["profile"] == [PROFILE]
    assert found["consciousness (ACVPU)"]["valueCodeableConcept"] == {"text": "V"}
    assert "meta" not in found["arterial systolic pressure"]


def test_every_resource_of_a_bundle_has_a_name_of_its_own_and_the_same_one_each_time():
    readings = list(single_readings(ROWS))
    one, two = (fhir.bundle("bed-1", readings, now)["entry"] for now in (1, 2))
    assert one == two
    assert len({entry["fullUrl"] for entry in one}) == len(one)


def test_the_subject_of_a_device_on_no_patient_is_the_device():
    (entry,) = fhir.bundle("~device/m-1", [(0, "hr", 70.0, "0/0")], 0)["entry"]
    assert entry["resource"]["subject"]["type"] == "Device"


def test_more_than_a_bundle_takes_is_refused_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(fhir, "ENTRIES_MAX", 2)
    with pytest.raises(UsageError, match="a bundle takes 2"):
        export(ROWS, "fhir", tmp_path / "a.json", "bed-1", NOW_MS)
    assert not (tmp_path / "a.json").exists()
