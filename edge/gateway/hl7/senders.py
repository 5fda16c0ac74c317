"""Which client a message is of: by its certificate, or by MSH-3 and MSH-4 from a network that is its own."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7.charsets import codec_of
from edge.gateway.hl7.desk import Peer
from edge.gateway.hl7.profile import PRODUCTION, USUAL, AckMode, Profile
from edge.gateway.reporting_pace import IntervalS
from streams.contracts.zones import ZoneName, zone

KNOWN_MAX: Final = 16_384
"""Pairs of peers and applications whose sender is kept in mind."""

UNKNOWN: Final = Refusal("unknown-sender", "no client has this certificate, or this MSH-3 from this network")
AMBIGUOUS: Final = Refusal(
    "unknown-sender", "several clients have this certificate, or this MSH-3 and network"
)

Application = Annotated[str, Field(min_length=1, max_length=200)]


class Hl7Entry(BaseModel):
    """What the clients file says of a client that sends HL7.

    `applications` are MSH-3, or MSH-3 and MSH-4 with `|` between them (whole, or their first components). Who shows no
    certificate is known only by one of them from one of `networks`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    applications: tuple[Application, ...] = ()
    networks: tuple[IPvAnyNetwork, ...] = ()
    acks: AckMode = "message"
    charset: str | None = None
    zone: ZoneName = "UTC"
    interval_s: IntervalS = 1.0
    authority: str = ""
    processing: tuple[str, ...] = PRODUCTION

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, charset: str | None) -> str | None:
        if charset is not None and codec_of(charset) is None:
            raise ValueError("no such character set; they have names like UNICODE UTF-8 or 8859/1")
        return charset

    def profile(self) -> Profile:
        """Return the sender's settings."""
        return Profile(
            self.acks,
            self.charset,
            zone(self.zone),
            round(self.interval_s * 1000),
            self.authority,
            self.processing,
        )


@dataclass(frozen=True, slots=True)
class Hl7Client:
    """A client: who it is, the names that its certificates may have, what the file says of its HL7."""

    sender: Sender
    certificates: tuple[str, ...] = ()
    entry: Hl7Entry = field(default_factory=Hl7Entry)


class Senders:
    """Knows the clients that send HL7; made anew where their file has changed.

    Args:
        clients: all that may send HL7.
    """

    def __init__(self, clients: Mapping[str, Hl7Client]) -> None:
        self._of_certificate: dict[str, list[Hl7Client]] = {}
        self._of_application: dict[str, list[Hl7Client]] = {}
        for client in clients.values():
            for name in client.certificates:
                self._of_certificate.setdefault(name, []).append(client)
            for application in client.entry.applications:
                self._of_application.setdefault(application, []).append(client)
        self._profiles = {name: client.entry.profile() for name, client in clients.items()}
        self._known = lru_cache(maxsize=KNOWN_MAX)(self._find)

    def identify(self, peer: Peer, application: str, facility: str) -> Sender | Refusal:
        """Return who sends, or why that is not known; `application` and `facility` are MSH-3 and MSH-4."""
        return self._known(peer, application, facility)

    def profile_of(self, name: str) -> Profile:
        """Return what is set for the client of this name."""
        return self._profiles.get(name, USUAL)

    def _find(self, peer: Peer, application: str, facility: str) -> Sender | Refusal:
        keys = _keys(application, facility)
        if peer.certificate_names is not None:
            found = [one for name in peer.certificate_names for one in self._of_certificate.get(name, ())]
            # A certificate is proof enough; applications narrow down what it may call itself.
            found = [one for one in found if not one.entry.applications or keys & set(one.entry.applications)]
        else:
            found = [
                one for key in keys for one in self._of_application.get(key, ()) if _is_in(peer.address, one)
            ]
        senders = {one.sender.name: one.sender for one in found}
        if len(senders) > 1:
            return AMBIGUOUS
        return next(iter(senders.values()), UNKNOWN)


def _keys(application: str, facility: str) -> set[str]:
    """Return what a client's `applications` may have for a message."""
    applications = {application, application.split("^", 1)[0]} - {""}
    facilities = {facility, facility.split("^", 1)[0]} - {""}
    return applications | {f"{one}|{other}" for one in applications for other in facilities}


def _is_in(address: str, client: Hl7Client) -> bool:
    try:
        there = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(there in network for network in client.entry.networks)
