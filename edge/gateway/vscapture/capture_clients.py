"""Who sends with VSCapture: a client of the clients file, by its key, or by the address of a program that has none."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

from pydantic import ConfigDict, Field, IPvAnyNetwork, model_validator

from clinical.vitals import INDEX
from edge.gateway.accept import Sender
from edge.gateway.mqtt.topic_map import MqttEntry
from edge.gateway.reporting_pace import IntervalS
from edge.gateway.vscapture.capture_names import known_names
from edge.gateway.vscapture.capture_payload import CaptureProfile
from streams.contracts.zones import ZoneName, zone

USUAL_PATTERN: Final = "/VSCapture/{device}/numericdata/#"
"""Where there is no clients file."""

NAMES_MAX: Final = 64


class CaptureEntry(MqttEntry):
    """What the clients file says of a client that is a VSCapture.

    VSCaptureMP shows nothing of who it is, so it is known by one of `networks`. `zone` is that of its computer's clock,
    none = the gateway's setting. `names` says which signal a name is that may be any: `{P1_Systolic = "abp_sys"}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    networks: tuple[IPvAnyNetwork, ...] = ()
    zone: ZoneName | None = None
    interval_s: IntervalS = 1.0
    names: dict[str, str] = Field(default_factory=dict, max_length=NAMES_MAX)

    @model_validator(mode="after")
    def _names_are_signals(self) -> Self:
        unknown = sorted(set(self.names.values()) - INDEX.keys())
        if unknown:
            raise ValueError(f"{unknown[0]} is no signal")
        return self

    def profile(self, usual_zone: str) -> CaptureProfile:
        """Return the client's settings; `usual_zone` is the gateway's."""
        return CaptureProfile(
            zone(self.zone or usual_zone), round(self.interval_s * 1000), known_names(self.names)
        )


@dataclass(frozen=True)
class CaptureClients:
    """All clients of the file, and the gateway's zone."""

    entries: Mapping[str, tuple[Sender, CaptureEntry]]
    zone: str

    @cached_property
    def _profiles(self) -> dict[str, CaptureProfile]:
        return {name: entry.profile(self.zone) for name, (_, entry) in self.entries.items()}

    def profile_of(self, name: str) -> CaptureProfile:
        """Return a client's settings."""
        return self._profiles.get(name) or CaptureEntry().profile(self.zone)

    def at(self, address: str) -> Sender | None:
        """Return the one client that an address is of; what two clients claim is neither's."""
        try:
            there = ipaddress.ip_address(address)
        except ValueError:
            return None
        found = [
            sender
            for sender, entry in self.entries.values()
            if any(there in network for network in entry.networks)
        ]
        return found[0] if len(found) == 1 else None
