"""The certificate that the gateway shows, and whose certificates it believes."""

import ssl

from streams.config.settings import Settings
from streams.errors import UsageError


def tls_of(settings: Settings) -> ssl.SSLContext | None:
    """Return the context of the gateway's ports, None where devices speak in clear.

    Raises:
        UsageError: a certificate or key cannot be read, or authorities are given without a certificate.
    """
    certificate = settings.gateway_tls_certfile
    if certificate is None:
        if settings.gateway_tls_cafile is not None or settings.gateway_tls_keyfile is not None:
            raise UsageError("gateway_tls_certfile: needed with the other gateway_tls_ settings")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, settings.gateway_tls_keyfile, password="")
        if settings.gateway_tls_cafile is not None:
            context.load_verify_locations(settings.gateway_tls_cafile)
            # Optional: who has no certificate may have a key or a token.
            context.verify_mode = ssl.CERT_OPTIONAL
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not what it should be"
        raise UsageError(f"gateway_tls_ settings: cannot read a file: {str(reason).lower()}") from None
    return context
