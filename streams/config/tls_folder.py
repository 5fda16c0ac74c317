"""TLS everywhere by one setting: a folder with certificate, key and authorities, as a Kubernetes secret is mounted."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
AUTHORITIES: Final = "ca.crt"
"""The names in a secret of type kubernetes.io/tls, and the one that cert-manager puts beside them."""

OVER_TLS: Final = frozenset({"SSL", "SASL_SSL"})


def tls_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `tls_dir` says of settings that are not given: all that listens and connects speaks TLS.

    Whose certificates count as a device's (`gateway_tls_cafile`) it does not say: that is a decision of its own.

    Raises:
        ValueError: the brokers or MQTT would be spoken to in clear all the same.
    """
    if not (said := given.get("tls_dir")):
        return {}
    folder = Path(said)
    certificate, key, authorities = folder / CERTIFICATE, folder / KEY, folder / AUTHORITIES
    has_account = bool(given.get("sasl_username"))
    found: dict[str, Any] = {
        "security_protocol": "SASL_SSL" if has_account else "SSL",
        "ssl_cafile": authorities,
        "gateway_mqtt_cafile": authorities,
    }
    for owner in ("gateway_tls", "board_tls") if has_account else ("gateway_tls", "board_tls", "ssl"):
        if given.get(f"{owner}_certfile") is None:  # a key of its own belongs to a certificate of its own
            found |= {f"{owner}_certfile": certificate, f"{owner}_keyfile": key}
    protocol = given.get("security_protocol", found["security_protocol"])
    if protocol not in OVER_TLS:
        raise ValueError(f"tls_dir: security_protocol {protocol} would speak to the brokers in clear")
    return {name: value for name, value in found.items() if given.get(name) is None}
