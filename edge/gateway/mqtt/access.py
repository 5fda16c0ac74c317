"""How the gateway comes to its MQTT broker: address, name, password, TLS."""

import socket
import ssl
from dataclasses import dataclass, field
from typing import Final

from streams.config.settings import Settings
from streams.errors import UsageError

PASSWORD_BYTES_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Access:
    """A broker and who we are there; `group` shares the subscription, `session_s` is how long it keeps our session."""

    host: str
    port: int
    client_id: str
    group: str
    username: str = ""
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    receive_max: int = 1_000
    session_s: int = 86_400


def access_of(settings: Settings) -> Access:
    """Return what the settings say.

    Raises:
        UsageError: a file cannot be read.
    """
    return Access(
        host=settings.gateway_mqtt_host,
        port=settings.gateway_mqtt_port,
        client_id=settings.gateway_mqtt_client_id or f"vigil-{settings.group}-{socket.gethostname()}",
        group=settings.group,
        username=settings.gateway_mqtt_username,
        password=_password(settings),
        tls=_tls(settings),
        receive_max=settings.gateway_mqtt_receive_max,
        session_s=settings.gateway_mqtt_session_s,
    )


def _password(settings: Settings) -> str | None:
    path = settings.gateway_mqtt_password_file
    if path is None:
        return None
    try:
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise UsageError(f"gateway_mqtt_password_file: cannot read {path}: {reason}") from None
    if not 0 < len(password.encode()) <= PASSWORD_BYTES_MAX or not settings.gateway_mqtt_username:
        raise UsageError("gateway_mqtt_password_file: holds one password, for gateway_mqtt_username")
    return password


def _tls(settings: Settings) -> ssl.SSLContext | None:
    authorities, certificate = settings.gateway_mqtt_cafile, settings.gateway_mqtt_certfile
    if authorities is None:
        if certificate is not None or settings.gateway_mqtt_keyfile is not None:
            raise UsageError("gateway_mqtt_cafile: needed with the gateway's certificate for the broker")
        return None
    try:
        context = ssl.create_default_context(cafile=str(authorities))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(certificate, settings.gateway_mqtt_keyfile, password="")
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not what it should be"
        raise UsageError(f"gateway_mqtt_ settings: cannot read a file: {str(reason).lower()}") from None
    return context
