"""Whom a client's certificate is of."""

from collections.abc import Mapping
from typing import Any


def names_of(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return the names of a verified certificate: alternative ones (DNS, URI), else the subject's common name."""
    if not certificate:
        return ()
    alternative = [name for kind, name in certificate.get("subjectAltName", ()) if kind in ("DNS", "URI")]
    common = [name for pairs in certificate.get("subject", ()) for key, name in pairs if key == "commonName"]
    return tuple(alternative or common)
