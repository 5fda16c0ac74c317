"""Writes the public contracts from the models: `python -m streams.contracts DIR`.

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
from streams.alerts import Alert
from streams.associations import LEFT_KEY, Association, Departure, Heard, Movement, Placement
from streams.boards import Heartbeat, Limits, Patient
from streams.commands import COMMAND_BYTES_MAX, COMMAND_KEY, Answer, Command, Sealed
from streams.frames import FRAME_BYTES_MAX, STREAM_PATTERN, TICK_KEY, Frame, Tick
from streams.partition_alerts import NOTE_KEY, Note
from streams.seals import DEVELOPMENT, Place
from streams.settings import Settings
from streams.topics import (
    ALERTS,
    ASSOCIATIONS,
    COMMANDS,
    DEAD_LETTERS,
    HEARTBEAT,
    LIMITS,
    PATIENTS,
    READINGS,
    TOPICS,
    WARDS,
    Topic,
)
from streams.wards import RULING_KEY, WardReport, WardRuling, WardState

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
CONTRACT_VERSION: Final = "1.0.0"
"""Rises with the contracts, not with the program: within 1, optional fields may be added, no more."""

BINDING_VERSION: Final = "0.5.0"
MODES: Final[Mapping[type[BaseModel], JsonSchemaMode]] = {
    Frame: "validation",
    Tick: "validation",
    Note: "validation",
    Alert: "serialization",
    Command: "validation",
    Answer: "serialization",
    Sealed: "validation",
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
    Departure: "validation",
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
    ("sendHeartbeats", "send", HEARTBEAT, "heartbeat"),
    ("sendDeadLetters", "send", DEAD_LETTERS, "deadLetter"),
)
"""Who reads and who writes what: `send` means that Vigil writes it."""

DEAD_LETTER_HEADERS: Final = {
    "reason": "why the record was refused, a short word that metrics count by",
    "detail": "the same in a sentence, cut to a bounded length",
    "topic": "topic of the record as it came",
    "partition": "its partition there, decimal digits",
    "offset": "its offset there, decimal digits",
    "append_ts_ms": "when the broker took it, Unix epoch, ms, decimal digits",
}

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

FRAME_EXAMPLE: Final[dict[str, Any]] = {
    "patient": "bed-017",
    "device": "mon-4c2a",
    "boot": 3,
    "seq": 120_482,
    "event_ts_ms": 1_780_000_000_000,
    "interval_ms": 1000,
    "hr": 84,
    "spo2": 96,
    "resp": 17,
    "etco2": None,
    "on_oxygen": False,
}
COMMAND_EXAMPLE: Final[dict[str, Any]] = {
    "kind": "acknowledge",
    "id": "7f0c2a",
    "patient": "bed-017",
    "actor": "nurse-12",
    "issued_ts_ms": 1_780_000_002_000,
    "episode": "a3d301d3ea486ae9",
}
SEALED_EXAMPLE: Final[dict[str, Any]] = json.loads(
    DEVELOPMENT.seal(COMMAND_KEY, Place(3, 17), json.dumps(COMMAND_EXAMPLE).encode())
)
TICK_EXAMPLE: Final[dict[str, Any]] = {"tick_ts_ms": 1_780_000_001_000}


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
        "components": {"messages": _messages(), "schemas": dict(sorted(schemas.items()))},
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


def _messages() -> dict[str, Any]:
    patient_key = {"type": "string", "pattern": STREAM_PATTERN, "description": "the patient inside the value"}
    tick_key = {"const": TICK_KEY.decode()}
    return {
        "frame": _message(
            Frame,
            f"one device's readings of one patient, at most {FRAME_BYTES_MAX} bytes",
            patient_key,
            FRAME_EXAMPLE,
        ),
        "tick": _message(Tick, "time passing in one partition", tick_key, TICK_EXAMPLE),
        "order": _message(
            Sealed,
            "a command at the place in the log where it takes effect; only Vigil's workers can write one",
            {"const": COMMAND_KEY.decode()},
            SEALED_EXAMPLE,
        ),
        "command": _message(
            Command,
            f"what somebody orders, at most {COMMAND_BYTES_MAX} bytes",
            patient_key,
            COMMAND_EXAMPLE,
        ),
        "note": _message(
            Note, "what was found in the log of this partition itself", {"const": NOTE_KEY.decode()}, None
        ),
        "answer": _message(Answer, "what became of a command", patient_key, None),
        "limits": _message(Limits, "limits and profile in force for one patient", patient_key, None),
        "patient": _message(Patient, "how one patient is", patient_key, None),
        "heartbeat": _message(
            Heartbeat, "a partition is being judged", {"type": "string", "pattern": "^[0-9]+$"}, None
        ),
        **_ward_messages(),
        **_association_messages(),
        "alert": _message(Alert, "one event in the life of one alarm", patient_key, None),
        "deadLetter": {
            "title": "dead letter",
            "summary": "a record that could not be accepted, byte for byte as it came, with its key",
            "contentType": "application/octet-stream",
            "headers": {
                "type": "object",
                "required": list(DEAD_LETTER_HEADERS),
                "properties": {
                    name: {"type": "string", "description": text}
                    for name, text in DEAD_LETTER_HEADERS.items()
                },
            },
        },
    }


def _ward_messages() -> dict[str, Any]:
    return {
        "wardRuling": _message(
            WardRuling,
            "an answer to a partition: whether its silent patients are part of their ward's alarm",
            {"const": RULING_KEY.decode()},
            None,
        ),
        "wardReport": _message(
            WardReport,
            "how many of a ward's patients a partition has, and how many are silent",
            {"type": "string", "description": "ward/partition"},
            None,
        ),
        "wardState": _message(
            WardState, "a ward's alarm", {"type": "string", "description": "the ward"}, None
        ),
    }


def _association_messages() -> dict[str, Any]:
    said = (
        (Association, "a device is on a patient", "device/patient/id"),
        (Placement, "a device stands at a bed", "device/place/id"),
        (Movement, "what an ADT message said of where a patient is", "patient/what/event_ts_ms/reporter/id"),
        (Heard, "up to when a sender's ADT messages have come", "~heard/reporter"),
    )
    return {
        "departure": _message(
            Departure,
            "a device does not belong to a stream that its frames went to; only gateways with the key can write one",
            {"const": LEFT_KEY.decode()},
            None,
        ),
        **{
            model.__name__.lower(): _message(model, about, {"type": "string", "description": key}, None)
            for model, about, key in said
        },
    }


def _message(
    model: type[BaseModel], summary: str, key: dict[str, Any], example: dict[str, Any] | None
) -> dict[str, Any]:
    message: dict[str, Any] = {
        "title": model.__name__.lower(),
        "summary": summary,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
        "bindings": {"kafka": {"key": key, "bindingVersion": BINDING_VERSION}},
    }
    if example is not None:
        message["examples"] = [{"name": model.__name__.lower(), "payload": example}]
    return message


def main() -> None:
    """Write every contract into the directory that the command line names, and print each path."""
    parser = argparse.ArgumentParser(prog="python -m streams.contracts", description="Write the contracts.")
    parser.add_argument("directory", metavar="DIR", type=Path, help="where to write; created when missing")
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
