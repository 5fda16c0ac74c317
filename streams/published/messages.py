"""The messages of the AsyncAPI document: what each record is, its key, and an example where one helps."""

import json
from typing import Any, Final

from pydantic import BaseModel

from streams.contracts.alert import Alert
from streams.contracts.association import (
    LEFT_KEY,
    Association,
    Departure,
    Heard,
    Movement,
    NamedPlace,
    Placement,
    Visit,
)
from streams.contracts.audit import Audited
from streams.contracts.command import COMMAND_BYTES_MAX, COMMAND_KEY, Answer, Sealed, Signed
from streams.contracts.deliveries import Assignment, Delivery
from streams.contracts.escalations import Told
from streams.contracts.frame import FRAME_BYTES_MAX, STREAM_PATTERN, TICK_KEY, Frame, Tick
from streams.contracts.layout import Layout
from streams.contracts.partition_alerts import NOTE_KEY, Note
from streams.contracts.patient_state import Heartbeat, Limits, Patient
from streams.contracts.reference import BedFacts, FormularyLine, WardFacts
from streams.contracts.rules_marks import MARK_KEY, RulesMark
from streams.contracts.seals import DEVELOPMENT, Place
from streams.contracts.ward import RULING_KEY, WardReport, WardRuling, WardState
from streams.kafka.rules_log import Rules

BINDING_VERSION: Final = "0.5.0"

DEAD_LETTER_HEADERS: Final = {
    "reason": "why the record was refused, a short word that metrics count by",
    "detail": "the same in a sentence, cut to a bounded length",
    "topic": "topic of the record as it came",
    "partition": "its partition there, decimal digits",
    "offset": "its offset there, decimal digits",
    "append_ts_ms": "when the broker took it, Unix epoch, ms, decimal digits",
}

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
_COMMANDED: Final = json.dumps(
    {"person": {"id": "nurse-12", "role": "nurse", "wards": ["icu"]}, "order": COMMAND_EXAMPLE}
).encode()
SIGNED_EXAMPLE: Final[dict[str, Any]] = json.loads(DEVELOPMENT.sign(b"bed-017", _COMMANDED))
SEALED_EXAMPLE: Final[dict[str, Any]] = json.loads(DEVELOPMENT.seal(COMMAND_KEY, Place(3, 17), _COMMANDED))
TICK_EXAMPLE: Final[dict[str, Any]] = {"tick_ts_ms": 1_780_000_001_000}


def messages() -> dict[str, Any]:
    """Return every message by its name."""
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
            Signed,
            f"what somebody who is signed in orders, its content at most {COMMAND_BYTES_MAX} bytes",
            patient_key,
            SIGNED_EXAMPLE,
        ),
        "note": _message(
            Note, "what was found in this partition's own log, sealed", {"const": NOTE_KEY.decode()}, None
        ),
        "answer": _message(Answer, "what became of a command", patient_key, None),
        "audited": _message(
            Audited,
            "what somebody opened, or a sign-in",
            {"type": "string", "description": "the person inside the value"},
            None,
        ),
        "limits": _message(Limits, "limits and profile in force for one patient", patient_key, None),
        "patient": _message(Patient, "how one patient is", patient_key, None),
        "heartbeat": _message(
            Heartbeat, "a partition is being judged", {"type": "string", "pattern": "^[0-9]+$"}, None
        ),
        **_ward_messages(),
        **_association_messages(),
        **_people_messages(patient_key),
        "told": _message(Told, "an alert with its ward, where delivery decides by it", patient_key, None),
        **_reference_messages(),
        **_rules_messages(),
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


def _people_messages(patient_key: dict[str, Any]) -> dict[str, Any]:
    said = (
        (Assignment, "who is responsible", "place, role, from_ts_ms and person, parted by U+001F"),
        (Audited, "what somebody opened, or a sign-in", "the person inside the value"),
    )
    return {
        "delivery": _message(Delivery, "a milestone of an alert's way to somebody", patient_key, None),
        **{
            model.__name__.lower(): _message(model, about, {"type": "string", "description": key}, None)
            for model, about, key in said
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


def _rules_messages() -> dict[str, Any]:
    return {
        "layout": _message(
            Layout,
            "how the readings lie; the record holds it sealed, as an order is, for the place 0 and its number",
            {"type": "string", "description": "group of the workers"},
            None,
        ),
        "rules": _message(
            Rules,
            "a decision about the rules; the record holds it sealed, as an order is, for the place 0 and its number",
            {"type": "string", "description": "group of the workers"},
            None,
        ),
        "rulesmark": _message(
            RulesMark,
            "from here on other rules hold; the record holds it sealed, as an order is",
            {"const": MARK_KEY.decode()},
            None,
        ),
    }


def _association_messages() -> dict[str, Any]:
    said = (
        (Association, "a device is on a patient", "device/patient/id"),
        (Placement, "a device stands at a bed", "device/place/id"),
        (Movement, "what an ADT message said of where a patient is", "patient/what/event_ts_ms/reporter/id"),
        (Heard, "up to when a sender's ADT messages have come", "~heard/reporter"),
        (Visit, "where a patient is and was during a visit, as a FHIR Encounter says", "~visit/reporter/id"),
        (NamedPlace, "how a sender calls a place, as a FHIR Location says", "~place/reporter/id"),
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


def _reference_messages() -> dict[str, Any]:
    said = (
        (
            "wardFacts",
            WardFacts,
            "what a ward is called, its time zone, and who is admitted there",
            "ward/id",
        ),
        ("bedFacts", BedFacts, "what is written above a bed", "bed/patient"),
        ("formularyLine", FormularyLine, "limits that a ward wants for an age band", "limits/ward/age/rule"),
    )
    return {
        name: _message(model, about, {"type": "string", "description": key}, None)
        for name, model, about, key in said
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
