"""Every protocol that devices may speak: its name, its port or line, and what serves it on the one door."""

import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from edge.gateway.accept import Door
from edge.gateway.door import KafkaDoor
from edge.gateway.fhir.capability import capability_statement
from edge.gateway.fhir.fhir_intake import METADATA_PATH, FhirParts, fhir_intakes, fhir_updates
from edge.gateway.fhir.fhir_openapi import fhir_paths
from edge.gateway.fhir.given_resources import Telling
from edge.gateway.fhir.outcomes import FHIR_TYPE
from edge.gateway.hl7.desk import Desk
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.mllp import MllpServer
from edge.gateway.http.exchange import TOKEN_PATH, exchanged
from edge.gateway.http.openapi import openapi
from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.identities import Identities
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.mqtt.access import access_of
from edge.gateway.mqtt.batches import Batches
from edge.gateway.mqtt.subscriber import Subscriber
from edge.gateway.opaque_ids import opaque
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.refiling import now_ms
from edge.gateway.reports import Registrar
from edge.gateway.sdc.provider_access import access_of as provider_access_of
from edge.gateway.sdc.sdc_line import SdcLine
from edge.gateway.spool import Spool
from edge.gateway.spool_alarm import SpoolAlarm
from edge.gateway.spooled import SpooledDoor
from edge.gateway.view import View
from edge.gateway.vital_recorder.socket_io import VitalParts, VitalRecorderServer
from edge.gateway.vscapture.capture_intake import capture_intakes
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.topics import ALERTS

SWITCHES: Final = (
    "gateway_http_port",
    "gateway_mllp_port",
    "gateway_mqtt_host",
    "gateway_sdc_interface",
    "gateway_vital_recorder_port",
)
"""The settings that switch a protocol on."""


class Server(Protocol):
    """A protocol's server."""

    @property
    def port(self) -> int:
        """The port it listens on."""

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError where the address cannot be had."""

    async def stop(self) -> None:
        """Take nothing new, answer what is in flight, end within a bound."""


class Line(Protocol):
    """A protocol in which the gateway is the client: it connects by itself, again and again."""

    @property
    def where(self) -> str:
        """Whom it connects to, for the log."""

    async def start(self) -> None:
        """Begin; the other end need not be there."""

    async def stop(self) -> None:
        """Take nothing new, answer what is in flight, end within a bound."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What protocols are served with."""

    settings: Settings
    door: KafkaDoor
    view: View
    identities: Identities
    metrics: GatewayMetrics
    pseudonyms: Pseudonyms
    tls: ssl.SSLContext | None
    registrar: Registrar


@dataclass(frozen=True, slots=True)
class SpooledParts:
    """What protocols with a spool are served with; they need Kafka only for what leaves it."""

    settings: Settings
    door: Door
    identities: Identities
    metrics: GatewayMetrics
    pseudonyms: Pseudonyms
    tls: ssl.SSLContext | None


def spooled_of(parts: SpooledParts) -> tuple[list[tuple[str, int, Server]], list[tuple[str, Line]]]:
    """Return the protocols with a spool that are switched on: servers and lines, as below.

    Raises:
        UsageError: a file or folder that one needs cannot be had, or an extra is missing.
    """
    port = parts.settings.gateway_vital_recorder_port
    servers: list[tuple[str, int, Server]] = (
        [("vital_recorder", port, vital_recorder_of(parts))] if port else []
    )
    lines: list[tuple[str, Line]] = [("sdc", sdc_of(parts))] if parts.settings.gateway_sdc_interface else []
    return servers, lines


def servers_of(parts: Parts) -> list[tuple[str, int, Server]]:
    """Return each other protocol that is switched on: its name, its port, and what serves it.

    Raises:
        UsageError: a file that one needs cannot be read.
    """
    settings = parts.settings
    made: list[tuple[str, int, Callable[[Parts], Server]]] = [
        ("http", settings.gateway_http_port, http_of),
        ("mllp", settings.gateway_mllp_port, mllp_of),
    ]
    return [(name, port, make(parts)) for name, port, make in made if port]


def lines_of(parts: Parts) -> list[tuple[str, Line]]:
    """Return each other protocol of a line that is switched on: its name, and the line.

    Raises:
        UsageError: a file that one needs cannot be read, or an extra is missing.
    """
    settings = parts.settings
    made: list[tuple[str, str, Callable[[Parts], Line]]] = [
        ("mqtt", settings.gateway_mqtt_host, mqtt_of),
    ]
    return [(name, make(parts)) for name, where, make in made if where]


def mqtt_of(parts: Parts) -> Subscriber:
    """Return the line to the MQTT broker.

    Raises:
        UsageError: a file cannot be read.
    """
    metrics = parts.metrics.protocol("mqtt")
    batches = Batches(parts.door, metrics)
    return Subscriber(access_of(parts.settings), parts.identities.topics, batches, metrics)


def sdc_of(parts: SpooledParts) -> SdcLine:
    """Return the line to the SDC providers.

    Raises:
        UsageError: a file cannot be read, or the extra `sdc` is missing.
    """
    counted = parts.metrics.protocol("sdc")
    spool = spool_of(parts.settings, "sdc")
    return SdcLine(
        provider_access_of(parts.settings),
        parts.identities.of_provider,
        parts.pseudonyms,
        SpooledDoor(spool, parts.door, parts.identities.provider_named, counted, alarm_of(parts, spool)),
        counted,
    )


def http_of(parts: Parts) -> HttpServer:
    """Return the server of HTTP."""
    metrics = parts.metrics.protocol("http")
    return HttpServer(parts.door, parts.identities, metrics, pages_of(parts), parts.tls)


def pages_of(parts: Parts) -> Pages:
    """Return a gateway's other paths: its signs of life, its OpenAPI document, tokens, FHIR."""
    door, identities = parts.door, parts.identities
    document = json.dumps(openapi(fhir_paths())).encode()
    capability = json.dumps(capability_statement()).encode()

    def ready() -> tuple[int, bytes, str]:
        flows = door.flows()
        return (200 if flows else 503), b'{"kafka":%s}' % (b"true" if flows else b"false"), "application/json"

    read: dict[str, Callable[[], tuple[int, bytes, str]]] = {
        "/healthz": lambda: (200, b'{"up":true}', "application/json"),
        "/readyz": ready,
        "/openapi.json": lambda: (200, document, "application/json"),
        METADATA_PATH: lambda: (200, capability, FHIR_TYPE),
    }
    posted = {TOKEN_PATH: lambda form, kind: exchanged(form, kind, identities.exchange_s)}
    fhir = FhirParts(
        parts.metrics.protocol("fhir"),
        parts.pseudonyms,
        identities.fhir_interval_ms_of,
        Telling(parts.registrar, parts.view),
    )
    captures = capture_intakes(parts.metrics.protocol("vscapture"), identities.capture_profile_of, now_ms)
    intakes = {**fhir_intakes(fhir), **captures}
    return Pages(read, posted, intakes, fhir_updates(fhir), dict.fromkeys(captures, identities.capture_at))


def mllp_of(parts: Parts) -> MllpServer:
    """Return the server of HL7 over MLLP."""
    counted = parts.metrics.protocol("mllp")
    desk = Desk(
        door=parts.door,
        registrar=parts.registrar,
        identify=parts.identities.of_message,
        profile_of=parts.identities.profile_of,
        filing=parts.view,
        patients=Patients(parts.pseudonyms),
        counted=counted,
    )
    server = MllpServer(desk, tls=parts.tls)
    counted.watch(lambda: server.clients, lambda: server.in_flight)
    return server


def vital_recorder_of(parts: SpooledParts) -> VitalRecorderServer:
    """Return the server of Vital Recorder, with its spool.

    Raises:
        UsageError: the spool's folder cannot be had.
    """
    counted = parts.metrics.protocol("vital_recorder")
    spool = spool_of(parts.settings, "vital_recorder")
    spooled = SpooledDoor(spool, parts.door, parts.identities.named, counted, alarm_of(parts, spool))
    made = VitalParts(spooled, parts.identities.of_code, Patients(parts.pseudonyms), counted, now_ms)
    server = VitalRecorderServer(made, parts.tls)
    counted.watch(lambda: server.clients)
    return server


def spool_of(settings: Settings, protocol: str) -> Spool:
    """Return the spool of a protocol, in the data folder.

    Raises:
        UsageError: its folder cannot be had, or another gateway has it.
    """
    return Spool(settings.data_dir / "spool" / protocol, settings.gateway_spool_bytes_max)


def alarm_of(parts: SpooledParts, spool: Spool) -> SpoolAlarm:
    """Return what tells that a spool has given up readings, under this machine's name and the protocol's."""

    async def tell(alert: Alert) -> None:
        await parts.door.store(ALERTS, alert.patient.encode(), alert.model_dump_json().encode())

    stream = f"{opaque(socket.gethostname())}/{spool.folder.name}"
    return SpoolAlarm(spool.folder / "full", stream, tell, now_ms)
