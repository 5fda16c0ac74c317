"""The clients file: who may send, how each proves who it is, and for which devices."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.gateway.accept import Sender
from edge.gateway.fhir.fhir_clients import FhirEntry
from edge.gateway.hl7.senders import Hl7Client, Hl7Entry
from edge.gateway.keys import HASH_CHARACTERS
from edge.gateway.mqtt.topic_map import MqttEntry, ReadMessage, TopicMap
from edge.gateway.opaque_ids import opaque
from edge.gateway.refiling import now_ms
from edge.gateway.vital_recorder.vital_clients import VitalClient, VitalEntry
from edge.gateway.vscapture.capture_clients import CaptureClients, CaptureEntry
from edge.gateway.vscapture.capture_intake import message_reader
from streams.errors import UsageError

CLIENTS_MAX: Final = 10_000
NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_:@-]{0,63}$"
"""As a device's id, but without the point that ends the name in a key."""

DEVICE_PATTERN: Final = r"^([A-Za-z0-9][A-Za-z0-9._:@-]{0,63}\*?|\*)$"
EPR_CHARACTERS_MAX: Final = 256
"""Of an SDC provider's endpoint reference."""

HASH_PATTERN: Final = rf"^[0-9a-f]{{{HASH_CHARACTERS}}}$"


class Entry(BaseModel):
    """One client as the file has it; without `devices` it is a device, and its name is the device's id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    devices: tuple[Annotated[str, Field(pattern=DEVICE_PATTERN)], ...] = ()
    names_patients: bool = False
    key_sha256: tuple[Annotated[str, Field(pattern=HASH_PATTERN)], ...] = ()
    certificates: tuple[str, ...] = ()
    subject: str = ""
    jwks: Path | None = None
    hl7: Hl7Entry = Hl7Entry()
    fhir: FhirEntry = FhirEntry()
    mqtt: MqttEntry = MqttEntry()
    vital_recorder: VitalEntry = VitalEntry()
    vscapture: CaptureEntry = CaptureEntry()
    sdc: tuple[Annotated[str, Field(min_length=1, max_length=EPR_CHARACTERS_MAX)], ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    clients: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Entry] = Field(max_length=CLIENTS_MAX)


@dataclass(frozen=True, slots=True)
class Client:
    """A client that may send: the sender, hashes of its API keys, and the keys that sign its own tokens."""

    sender: Sender
    key_hashes: tuple[str, ...] = ()
    signing: KeySet | None = None


@dataclass(frozen=True, slots=True)
class SdcClient:
    """An SDC provider: who sends, for its device alone; its certificate has one of these names, none = any."""

    sender: Sender
    device: str
    certificates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clients:
    """All clients, by each way in which one shows who it is."""

    by_name: Mapping[str, Client] = field(default_factory=dict)
    by_certificate: Mapping[str, Client] = field(default_factory=dict)
    by_subject: Mapping[str, Client] = field(default_factory=dict)
    hl7: Mapping[str, Hl7Client] = field(default_factory=dict)
    fhir: Mapping[str, FhirEntry] = field(default_factory=dict)
    topics: TopicMap = field(default_factory=lambda: TopicMap(()))
    vital_recorder: Mapping[str, VitalClient] = field(default_factory=dict)
    sdc: Mapping[str, SdcClient] = field(default_factory=dict)
    vscapture: CaptureClients = field(default_factory=lambda: CaptureClients({}, "UTC"))


def load_clients(path: Path, capture_zone: str = "UTC") -> Clients:
    """Read the file; files of keys that it names are looked for beside it.

    `capture_zone` is that of a VSCapture of which the file does not say it.

    Raises:
        UsageError: one line that says what is wrong with it, with nothing of a secret in it.
    """
    try:
        given = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"gateway_clients: cannot read {path}: {_reason(error)}") from None
    found = {name: _client(name, entry, path.parent) for name, entry in given.clients.items()}
    certificates = [
        (known, found[name]) for name, entry in given.clients.items() for known in entry.certificates
    ]
    subjects = [(entry.subject, found[name]) for name, entry in given.clients.items() if entry.subject]
    sdc = [
        (epr, _sdc_client(found[name].sender, entry, epr))
        for name, entry in given.clients.items()
        for epr in entry.sdc
    ]
    for what, pairs in (("certificate", certificates), ("subject", subjects), ("sdc provider", sdc)):
        if len(dict(pairs)) != len(pairs):
            raise UsageError(f"{path}: two clients have the same {what}")
    hl7 = {
        name: Hl7Client(found[name].sender, entry.certificates, entry.hl7)
        for name, entry in given.clients.items()
    }
    fhir = {name: entry.fhir for name, entry in given.clients.items()}
    topics = [
        (topic, found[name].sender) for name, entry in given.clients.items() for topic in entry.mqtt.topics
    ]
    vital_recorder = {
        name: VitalClient(found[name].sender, entry.vital_recorder)
        for name, entry in given.clients.items()
        if entry.vital_recorder.codes
    }
    vscapture = CaptureClients(
        {name: (found[name].sender, entry.vscapture) for name, entry in given.clients.items()}, capture_zone
    )
    return Clients(
        found,
        dict(certificates),
        dict(subjects),
        hl7,
        fhir,
        TopicMap(topics, _topics_of(vscapture)),
        vital_recorder,
        dict(sdc),
        vscapture,
    )


def load_keys(path: Path) -> KeySet:
    """Read a JSON Web Key Set.

    Raises:
        UsageError: it cannot be read, or holds a private or symmetric key, which has no place there.
    """
    try:
        keys = KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, JoseError) as error:
        raise UsageError(f"cannot read the keys in {path}: {_reason(error)}") from None
    if not keys.keys or any(key.is_private or key.key_type not in ("RSA", "EC") for key in keys.keys):
        raise UsageError(f"{path}: holds something else than public RSA and EC keys")
    return keys


def _client(name: str, entry: Entry, folder: Path) -> Client:
    sender = Sender(name, entry.devices or (name,), entry.names_patients)
    return Client(sender, entry.key_sha256, None if entry.jwks is None else load_keys(folder / entry.jwks))


def _topics_of(vscapture: CaptureClients) -> list[tuple[str, Sender, ReadMessage]]:
    """Return the topics of VSCapture, with what reads each client's messages."""
    readers = {
        name: message_reader(partial(vscapture.profile_of, name), now_ms) for name in vscapture.entries
    }
    return [
        (topic, sender, readers[name])
        for name, (sender, entry) in vscapture.entries.items()
        for topic in entry.topics
    ]


def _sdc_client(sender: Sender, entry: Entry, epr: str) -> SdcClient:
    """Return a client's provider. It has the client's name as its device only where no other provider has it, too."""
    alone = len(entry.sdc) == 1 and sender.may_send_for(sender.name)
    device = sender.name if alone else opaque(epr)
    return SdcClient(Sender(sender.name, (device,), sender.names_patients), device, entry.certificates)


def _reason(error: Exception) -> Any:
    return getattr(error, "strerror", None) or type(error).__name__
