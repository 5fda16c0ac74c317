"""The committed contracts are what the models say, and are valid in their own languages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from clinical.vitals import SIGNALS
from streams.contracts.alert import Alert, Evidence, Source
from streams.contracts.frame import STREAM_PATTERN, Frame, Tick
from streams.contracts.topics import TOPICS
from streams.published.messages import FRAME_EXAMPLE, TICK_EXAMPLE
from streams.published.schemas import asyncapi, documents, schema_of

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "docs" / "contracts"
RUN_TIMEOUT_S = 60

frame_schema = Draft202012Validator(schema_of(Frame))


def test_the_committed_contracts_are_what_the_models_say():
    written = {path.name: path.read_text(encoding="utf-8") for path in COMMITTED.iterdir()}
    assert written == documents(), "run: make contracts"


def test_the_command_writes_the_same_bytes_again(tmp_path):
    command = [sys.executable, "-m", "streams.published.schemas", str(tmp_path / "new")]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=True
    )
    paths = [Path(line) for line in result.stdout.splitlines()]
    assert {path.name: path.read_text(encoding="utf-8") for path in paths} == documents()


def test_the_command_without_a_directory_is_a_usage_error():
    command = [sys.executable, "-m", "streams.published.schemas"]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False
    )
    assert result.returncode == 2
    assert "DIR" in result.stderr


@pytest.mark.parametrize("model", [Frame, Tick, Alert])
def test_every_schema_is_valid_json_schema(model):
    Draft202012Validator.check_schema(schema_of(model))


def test_the_example_frame_is_accepted_by_the_schema_and_by_the_model():
    frame_schema.validate(FRAME_EXAMPLE)
    assert Frame.model_validate_json(json.dumps(FRAME_EXAMPLE)).hr == FRAME_EXAMPLE["hr"]


def test_the_example_tick_is_accepted_by_the_schema_and_by_the_model():
    Draft202012Validator(schema_of(Tick)).validate(TICK_EXAMPLE)
    Tick.model_validate_json(json.dumps(TICK_EXAMPLE))


def test_an_alert_as_written_is_accepted_by_its_schema():
    alert = Alert(
        id="0011223344556677-0",
        episode="0011223344556677",
        patient="bed-017",
        rule="spo2-low",
        event="MDC_EVT_LO",
        source=Source(kind="signal", name="spo2", mdc=150456, loinc="59408-5", unit="%"),
        phase="start",
        state="active",
        priority="medium",
        type="physiological",
        onset_ts_ms=1_000,
        event_ts_ms=16_000,
        append_ts_ms=16_020,
        evidence=Evidence(value=86, low=90, delay_s=15, extreme=85),
        reason="SpO2 86 % is below 90 % for 15 s",
    )
    Draft202012Validator(schema_of(Alert)).validate(json.loads(alert.model_dump_json()))


VALUES = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        72.5,
        10_000,
        10_001,
        -10_000.5,
        2**53,
        2**53 - 1,
        "",
        "A",
        "X",
        "bed-1",
        "~t",
        [],
    ]
)


@given(st.dictionaries(st.sampled_from([*Frame.model_fields, "pressure"]), VALUES, max_size=4), st.data())
def test_schema_and_model_accept_and_refuse_the_same_frames(changes, data):
    frame = FRAME_EXAMPLE | changes
    dropped = data.draw(st.sets(st.sampled_from(sorted(FRAME_EXAMPLE)), max_size=1))
    frame = {name: value for name, value in frame.items() if name not in dropped}
    try:
        Frame.model_validate_json(json.dumps(frame))
        accepted = True
    except ValidationError:
        accepted = False
    assert frame_schema.is_valid(frame) == accepted


def test_a_signal_left_out_has_no_default_and_carries_its_unit_and_codes():
    fields = schema_of(Frame)["properties"]
    for signal in SIGNALS:
        field = fields[signal.name]
        assert "default" not in field
        assert (field["x-unit"], field["x-loinc"]) == (signal.ucum, signal.loinc)
        assert field.get("x-mdc", 0) == signal.mdc
        assert signal.name not in schema_of(Frame)["required"]


# --- AsyncAPI


def references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def test_every_reference_in_the_asyncapi_document_leads_somewhere():
    document = asyncapi()
    found = list(references(document))
    assert found
    for reference in found:
        node = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_topic_is_a_channel_with_its_kafka_settings_and_somebody_to_use_it():
    document = asyncapi()
    channels = {channel["address"]: (name, channel) for name, channel in document["channels"].items()}
    assert list(channels) == [topic.name for topic in TOPICS]
    used = {operation["channel"]["$ref"] for operation in document["operations"].values()}
    for topic in TOPICS:
        name, channel = channels[topic.name]
        kafka = channel["bindings"]["kafka"]
        assert f"#/channels/{name}" in used
        assert channel["messages"]
        assert kafka["partitions"] == (topic.partitions or 8)
        assert kafka["topicConfiguration"]["cleanup.policy"] in (["delete"], ["compact"])
        for key, value in topic.config.items():
            if key != "cleanup.policy":
                assert str(kafka["topicConfiguration"][key]) == value


def test_patient_keys_have_a_schema_that_the_keys_of_ticks_and_orders_do_not_meet():
    messages = asyncapi()["components"]["messages"]
    for name in ("frame", "alert", "command", "answer", "limits", "patient"):
        assert messages[name]["bindings"]["kafka"]["key"]["pattern"] == STREAM_PATTERN
    for name in ("tick", "order"):
        key = messages[name]["bindings"]["kafka"]["key"]["const"]
        assert not Draft202012Validator({"pattern": STREAM_PATTERN}).is_valid(key)


def test_no_server_address_is_published():
    server = asyncapi()["servers"]["kafka"]
    assert server["host"] == "{brokers}"
    assert "default" not in server["variables"]["brokers"]


def test_the_schemas_inside_the_asyncapi_document_accept_its_examples():
    document = asyncapi()
    for message in document["components"]["messages"].values():
        for example in message.get("examples", []):
            schema = {**message["payload"], "components": document["components"]}
            Draft202012Validator(schema).validate(example["payload"])
