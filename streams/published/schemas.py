"""Writes the public contracts from the models: `python -m streams.published.schemas DIR`.

One JSON Schema (2020-12) a record and one AsyncAPI 3.0 document of the whole flow. The same models give the
same bytes, so a test can compare what is committed with what the code says.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from pydantic_core import CoreSchema

from clinical.vitals import SIGNALS
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.association import (
    Association,
    Departure,
    Heard,
    Movement,
    NamedPlace,
    Placement,
    Visit,
)
from streams.contracts.audit import Audited
from streams.contracts.command import Answer, Sealed, Signed
from streams.contracts.deliveries import Assignment, Delivery
from streams.contracts.escalations import Told
from streams.contracts.frame import Frame, Tick
from streams.contracts.layout import Layout
from streams.contracts.partition_alerts import Note
from streams.contracts.patient_state import Heartbeat, Limits, Patient
from streams.contracts.reference import BedFacts, FormularyLine, WardFacts
from streams.contracts.rules_marks import RulesMark
from streams.contracts.topics import (
    ALERTS,
    ASSIGNMENTS,
    ASSOCIATIONS,
    AUDIT,
    COMMANDS,
    DEAD_LETTERS,
    DELIVERIES,
    ESCALATIONS,
    HEARTBEAT,
    LAYOUT,
    LIMITS,
    PATIENTS,
    READINGS,
    REFERENCE,
    RULES,
    SHADOW_ALERTS,
    TOPICS,
    WARDS,
    Topic,
)
from streams.contracts.ward import WardReport, WardRuling, WardState
from streams.kafka.rules_log import Rules
from streams.published.messages import BINDING_VERSION, messages

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
CONTRACT_VERSION: Final = "1.0.0"
"""Rises with the contracts, not with the program: within 1, optional fields may be added, no more."""

MODES: Final[Mapping[type[BaseModel], JsonSchemaMode]] = {
    Frame: "validation",
    Tick: "validation",
    Note: "validation",
    Alert: "serialization",
    Signed: "validation",
    Answer: "serialization",
    Sealed: "validation",
    Audited: "serialization",
    Delivery: "serialization",
    Assignment: "validation",
    Told: "serialization",
    Limits: "serialization",
    Patient: "serialization",
    Heartbeat: "serialization",
    WardReport: "validation",
    WardState: "validation",
    WardRuling: "validation",
    Association: "validation",
    Placement: "validation",
    Movement: "validation",
    Heard: "validation",
    Visit: "validation",
    NamedPlace: "validation",
    Departure: "validation",
    WardFacts: "validation",
    BedFacts: "validation",
    FormularyLine: "validation",
    Layout: "validation",
    Rules: "validation",
    RulesMark: "validation",
}
"""Each record's model and its public side: what we read of frames, ticks, notes and commands, what we write else."""

OPERATIONS: Final = (
    # name, as Vigil sees it, topic, message
    ("receiveFrames", "receive", READINGS, "frame"),
    ("sendTicks", "send", READINGS, "tick"),
    ("sendOrders", "send", READINGS, "order"),
    ("sendWardRulings", "send", READINGS, "wardRuling"),
    ("sendNotes", "send", READINGS, "note"),
    ("sendDepartures", "send", READINGS, "departure"),
    ("sendAlerts", "send", ALERTS, "alert"),
    ("receiveCommands", "receive", COMMANDS, "command"),
    ("sendAnswers", "send", COMMANDS, "answer"),
    ("sendNotesOfCommands", "send", COMMANDS, "note"),
    ("sendAudited", "send", AUDIT, "audited"),
    ("sendLimits", "send", LIMITS, "limits"),
    ("sendPatients", "send", PATIENTS, "patient"),
    ("sendWardReports", "send", WARDS, "wardReport"),
    ("sendWardStates", "send", WARDS, "wardState"),
    ("sendWardOrders", "send", WARDS, "order"),
    ("sendWardTicks", "send", WARDS, "tick"),
    ("sendAssociations", "send", ASSOCIATIONS, "association"),
    ("sendPlacements", "send", ASSOCIATIONS, "placement"),
    ("sendMovements", "send", ASSOCIATIONS, "movement"),
    ("sendHeard", "send", ASSOCIATIONS, "heard"),
    ("sendVisits", "send", ASSOCIATIONS, "visit"),
    ("sendNamedPlaces", "send", ASSOCIATIONS, "namedplace"),
    ("sendAssignments", "send", ASSIGNMENTS, "assignment"),
    ("sendWardFacts", "send", REFERENCE, "wardFacts"),
    ("sendBedFacts", "send", REFERENCE, "bedFacts"),
    ("sendFormularyLines", "send", REFERENCE, "formularyLine"),
    ("sendDeliveries", "send", DELIVERIES, "delivery"),
    ("sendTold", "send", ESCALATIONS, "told"),
    ("sendMilestones", "send", ESCALATIONS, "delivery"),
    ("sendDeliveryTicks", "send", ESCALATIONS, "tick"),
    ("sendShadowAlerts", "send", SHADOW_ALERTS, "alert"),
    ("sendLayouts", "send", LAYOUT, "layout"),
    ("sendRules", "send", RULES, "rules"),
    ("sendRulesMarks", "send", READINGS, "rulesmark"),
    ("sendHeartbeats", "send", HEARTBEAT, "heartbeat"),
    ("sendDeadLetters", "send", DEAD_LETTERS, "deadLetter"),
)
"""Who reads and who writes what: `send` means that Vigil writes it."""

SIGNAL_CODES: Final = {
    signal.name: {
        "x-unit": signal.ucum,
        **({"x-mdc": signal.mdc} if signal.mdc else {}),
        "x-loinc": signal.loinc,
        "x-plausible": [signal.low, signal.high],
        "x-resolution": signal.resolution,
        "x-periodic": signal.periodic,
    }
    for signal in SIGNALS
}
"""Put into a signal's field: UCUM unit, codes, and the range outside which a value is no reading."""


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that repeat the fields' names."""

    def field_title_should_be_set(self, schema: CoreSchema) -> bool:
        return False


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON Schema of a record, by itself, with the signals' units and codes."""
    name = model.__name__.lower()
    schema = model.model_json_schema(mode=MODES[model], schema_generator=_Untitled)
    return {"$schema": DIALECT, "$id": f"urn:vigil:{name}:1", **_with_codes(model, schema)}


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3.0 document: one channel a topic, who reads and who writes it, keys and values.

    It stands by itself: the schemas are inside, and the broker's address is a variable.
    """
    _, definitions = models_json_schema(
        list(MODES.items()), ref_template="#/components/schemas/{model}", schema_generator=_Untitled
    )
    schemas = definitions["$defs"]
    for model in MODES:
        schemas[model.__name__] = _with_codes(model, schemas[model.__name__])
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Vigil",
            "version": CONTRACT_VERSION,
            "description": "Vital-sign frames of bedside devices in, safety alerts out.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": "{brokers}",
                "protocol": "kafka",
                "variables": {"brokers": {"description": "bootstrap servers, host:port[,host:port]"}},
            }
        },
        "channels": {_channel_name(topic): _channel(topic) for topic in TOPICS},
        "operations": _operations(),
        "components": {"messages": messages(), "schemas": dict(sorted(schemas.items()))},
    }


def documents() -> dict[str, str]:
    """Return every contract file: name to text."""
    files = {f"{model.__name__.lower()}.schema.json": schema_of(model) for model in MODES}
    files["asyncapi.json"] = asyncapi()
    return {
        name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in files.items()
    }


def _with_codes(model: type[BaseModel], schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema, a frame's with units and codes beside each signal.

    Without the default null there: a signal that is left out is not one that has no reading.
    """
    if model is not Frame:
        return schema
    fields = dict(schema["properties"])
    for name, codes in SIGNAL_CODES.items():
        fields[name] = {key: value for key, value in fields[name].items() if key != "default"} | codes
    return {**schema, "properties": fields}


def _channel_name(topic: Topic) -> str:
    """Return `deadLetters` for `vitals.dead-letters`: what code generators take as a name."""
    first, *rest = topic.name.removeprefix("vitals.").split("-")
    return first + "".join(word.capitalize() for word in rest)


def _channel(topic: Topic) -> dict[str, Any]:
    partitions = topic.partitions or Settings.model_fields["partitions"].default
    configuration: dict[str, Any] = {
        "cleanup.policy": topic.config.get("cleanup.policy", "delete").split(",")
    }
    for key, value in topic.config.items():
        if key != "cleanup.policy":
            configuration[key] = int(value) if value.lstrip("-").isdigit() else value
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"{topic.about}. Key: {topic.key}. Partitions and replicas are the defaults.",
        "messages": {
            message: {"$ref": f"#/components/messages/{message}"}
            for _, _, name, message in OPERATIONS
            if name == topic.name
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": partitions,
                "replicas": Settings.model_fields["replication"].default,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING_VERSION,
            }
        },
    }


def _operations() -> dict[str, Any]:
    channels = {topic.name: _channel_name(topic) for topic in TOPICS}
    return {
        operation: {
            "action": action,
            "channel": {"$ref": f"#/channels/{channels[name]}"},
            "messages": [{"$ref": f"#/channels/{channels[name]}/messages/{message}"}],
        }
        for operation, action, name, message in OPERATIONS
    }


def main() -> None:
    """Write every contract into the directory that the command line names, and print each path."""
    parser = argparse.ArgumentParser(
        prog="python -m streams.published.schemas", description="Write the contracts."
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="where to write; created when missing")
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
