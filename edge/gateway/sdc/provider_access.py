"""Which SDC providers are taken, and how they are spoken to, out of the settings."""

import ipaddress
import ssl
from typing import Any, Final

from edge.gateway.identities import LOOPBACK
from edge.gateway.sdc.sdc_library import library
from edge.gateway.sdc.sdc_line import SdcAccess
from streams.config.settings import Settings
from streams.errors import UsageError

PROVIDERS_MAX: Final = 1_000
"""Endpoint references of the setting."""


def access_of(settings: Settings) -> SdcAccess:
    """Return it.

    Raises:
        UsageError: the extra `sdc` is missing, the interface is no address, or a certificate cannot be read.
    """
    library()
    interface = settings.gateway_sdc_interface
    try:
        ipaddress.IPv4Address(interface)
    except ValueError:
        raise UsageError(
            "gateway_sdc_interface: the IPv4 address of one of this machine's interfaces"
        ) from None
    if settings.gateway_clients is None and interface not in LOOPBACK:
        raise UsageError("gateway_clients: name a file where SDC providers of other machines are taken")
    providers = tuple(dict.fromkeys(settings.gateway_sdc_providers.split()))
    if not 0 < len(providers) <= PROVIDERS_MAX:
        raise UsageError(f"gateway_sdc_providers: between 1 and {PROVIDERS_MAX} endpoint references, or *")
    return SdcAccess(
        interface,
        providers,
        settings.gateway_sdc_providers_max,
        settings.gateway_sdc_silence_s,
        settings.gateway_sdc_age_s,
        _contexts(settings),
    )


def _contexts(settings: Settings) -> Any:
    """Return the library's two contexts, for both ends show a certificate; None where providers speak in clear."""
    certificate, authorities = settings.gateway_tls_certfile, settings.gateway_tls_cafile
    if certificate is None:
        return None
    if authorities is None:
        raise UsageError("gateway_tls_cafile: needed for SDC, whose providers show a certificate")
    made = []
    for side in (ssl.PROTOCOL_TLS_CLIENT, ssl.PROTOCOL_TLS_SERVER):
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False  # a provider is known by its endpoint reference, not by a host's name
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_cert_chain(certificate, settings.gateway_tls_keyfile, password="")
            context.load_verify_locations(authorities)
        except (OSError, ssl.SSLError):
            raise UsageError("gateway_tls_ settings: cannot read a file for SDC") from None
        made.append(context)
    return library().tls_contexts(*made)
