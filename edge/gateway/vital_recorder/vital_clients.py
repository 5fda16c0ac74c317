"""Which client a Vital Recorder is of: by its room code, from a network that is its own."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, model_validator

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7.profile import Profile
from edge.gateway.reporting_pace import IntervalS
from streams.contracts.zones import ZoneName, zone

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
    zone: ZoneName | None = None
    interval_s: IntervalS = 1.0

    @model_validator(mode="after")
    def _codes_have_networks(self) -> "VitalEntry":
        if self.codes and not self.networks:
            raise ValueError("codes count only from a network: name networks")
        return self

    def profile(self, usual_zone: str) -> Profile:
        """Return the client's settings; `usual_zone` is the gateway's."""
        return Profile(zone=zone(self.zone or usual_zone), interval_ms=round(self.interval_s * 1000))


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
