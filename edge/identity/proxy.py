"""Sign-in by a proxy in front of us: believed from its own addresses only, by the headers that the settings name."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from streams.config.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Proxies:
    """Whose word counts, and where it stands."""

    networks: tuple[Network, ...]
    person_header: str
    groups_header: str

    @staticmethod
    def of(settings: Settings) -> "Proxies":
        """Return what the settings say; without addresses nobody is believed."""
        parts = filter(None, map(str.strip, settings.proxy_addresses.split(",")))
        networks = tuple(ipaddress.ip_network(part) for part in parts)
        return Proxies(networks, settings.proxy_person_header, settings.proxy_groups_header)

    def named(self, address: str | None, headers: Mapping[str, str]) -> tuple[str, list[str]] | None:
        """Return whom a proxy names, and the groups; None where no proxy of ours speaks, or it names nobody.

        Args:
            address: of the connection itself, never of a header.
            headers: of the request, whose names are compared without regard to case; one that comes twice is refused.
        """
        if not self.networks or not self._is_ours(address):
            return None
        getall = getattr(headers, "getall", None)
        persons = getall(self.person_header, []) if getall else [headers.get(self.person_header, "")]
        if len(persons) != 1 or not persons[0].strip():
            return None
        groups = headers.get(self.groups_header, "")
        return persons[0].strip(), [group.strip() for group in groups.split(",") if group.strip()]

    def _is_ours(self, address: str | None) -> bool:
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self.networks)
