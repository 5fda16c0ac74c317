"""Which client a Vital Recorder is of: by its room code, from a network that is its own."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator, model_validator

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7.profile import Profile
from streams.contracts.frame import INTERVAL_MS_MAX

UNKNOWN: Final = Refusal("unknown-sender", "no client has this code, from this network")
AMBIGUOUS: Final = Refusal("unknown-sender", "several clients have this code")

Code = Annotated[str, Field(min_length=1, max_length=200)]


class VitalEntry(BaseModel):
    """What the clients file says of a client that is a Vital Recorder.

    A code is no secret (it is sent with every connection, and shown on screens), so it counts only from one of
    `networks`. `zone` is that of its computer's clock, none = the gateway's setting.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    codes: tuple[Code, ...] = ()
    networks: tuple[IPvAnyNetwork, ...] = ()
    zone: str | None = None
    interval_s: Annotated[float, Field(ge=0.001, le=INTERVAL_MS_MAX / 1000)] = 1.0

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            zone_named(zone)
        return zone

    @model_validator(mode="after")
    def _codes_have_networks(self) -> "VitalEntry":
        if self.codes and not self.networks:
            raise ValueError("codes count only from a network: name networks")
        return self

    def profile(self, zone: str) -> Profile:
        """Return the client's settings; `zone` is the gateway's."""
        return Profile(zone=zone_named(self.zone or zone), interval_ms=round(self.interval_s * 1000))


def zone_named(name: str) -> ZoneInfo:
    """Return a zone.

    Raises:
        ValueError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("no such zone; zones have names like Europe/Berlin") from None


@dataclass(frozen=True, slots=True)
class VitalClient:
    """A client: who it is, and what the file says of its Vital Recorders."""

    sender: Sender
    entry: VitalEntry


def identify(clients: Mapping[str, VitalClient], address: str, code: str) -> VitalClient | Refusal:
    """Return the client that a code from an address is of, or why that is not known."""
    try:
        there = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    found = [
        one
        for one in clients.values()
        if code in one.entry.codes and any(there in network for network in one.entry.networks)
    ]
    return AMBIGUOUS if len(found) > 1 else found[0] if found else UNKNOWN
