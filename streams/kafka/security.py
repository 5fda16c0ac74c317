"""How every client of ours proves who it is and checks whom it talks to: TLS, SASL and seals, one place for all.

The TLS context is made here and not by the Kafka clients: TLS 1.2 at least, the broker's certificate required and
its host name checked. There is no setting that turns either off.
"""

import ssl
from pathlib import Path
from typing import Any

from streams.config.secret_settings import secret_of
from streams.config.settings import Settings
from streams.contracts.seals import DEVELOPMENT, KEY_BYTES_MIN, KEYS_MAX, Seals
from streams.errors import UsageError


def uses_tls(settings: Settings) -> bool:
    """Tell whether the brokers are spoken to over TLS."""
    return settings.security_protocol.endswith("SSL")


def uses_sasl(settings: Settings) -> bool:
    """Tell whether an account proves who we are."""
    return settings.security_protocol.startswith("SASL")


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Return the context of every TLS connection to a broker.

    Raises:
        UsageError: a certificate or key cannot be read.
    """
    authorities = settings.ssl_cafile
    try:
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(_unreadable("ssl_cafile", authorities, error)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    if settings.ssl_certfile is not None:
        try:
            # An empty password instead of none: a key that needs one is refused, not asked for at a terminal.
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, password="")
        except (OSError, ssl.SSLError) as error:
            name = "ssl_certfile" if settings.ssl_keyfile is None else "ssl_certfile, ssl_keyfile"
            raise UsageError(_unreadable(name, settings.ssl_certfile, error)) from None
    return context


def password_of(settings: Settings) -> str:
    """Return the account's password.

    Raises:
        UsageError: its file cannot be read or is empty.
    """
    if (password := secret_of(settings, "sasl_password")) is None:
        raise UsageError("sasl_password: none is given")
    return password


def knows_who_connects(settings: Settings) -> bool:
    """Tell whether the brokers ask who we are, so that not everybody may write everywhere."""
    return uses_sasl(settings) or settings.ssl_certfile is not None


def seals_of(settings: Settings) -> Seals:
    """Return the seals of orders in the readings: of the command key, or where none is needed of one known to all.

    Raises:
        UsageError: the key is missing, cannot be read, or is too short.
    """
    if (text := secret_of(settings, "command_key")) is None:
        if knows_who_connects(settings):
            raise UsageError(
                "command_key_file: brokers that ask who connects need one, the same for all workers: "
                f"{KEY_BYTES_MIN} characters or more, for example of openssl rand -hex 32"
            )
        return DEVELOPMENT
    name = "command_key" if settings.command_key is not None else "command_key_file"
    keys = text.encode().split()
    if not 0 < len(keys) <= KEYS_MAX:
        raise UsageError(f"{name}: holds {len(keys)} keys, not one and perhaps the one before it")
    if any(len(key) < KEY_BYTES_MIN for key in keys):
        raise UsageError(f"{name}: a key has fewer than {KEY_BYTES_MIN} characters")
    return Seals(keys)


def client_security(settings: Settings) -> dict[str, Any]:
    """Return the options of kafka-python's clients, which aiokafka's have too.

    Raises:
        UsageError: a certificate, key or password cannot be read.
    """
    options: dict[str, Any] = {"security_protocol": settings.security_protocol}
    if uses_tls(settings):
        options["ssl_context"] = tls_context(settings)
    if uses_sasl(settings):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = password_of(settings)
    return options


def _unreadable(setting: str, path: Path | None, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "not what it should be"
    return f"{setting}: cannot read {path}: {str(reason).lower()}"
