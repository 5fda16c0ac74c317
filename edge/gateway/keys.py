"""API keys: made here with 256 random bits, and kept by those who check them as a hash only."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final, NamedTuple

PREFIX: Final = "vgk"
SECRET_BYTES: Final = 32
"""256 random bits cannot be guessed, so one SHA-256 keeps them; a slow hash is for what people think up."""

HASH_CHARACTERS: Final = 64


class NewKey(NamedTuple):
    """A key, to be shown once, and what the clients file holds of it."""

    key: str
    sha256: str


def new_key(name: str, prefix: str = PREFIX) -> NewKey:
    """Return a new key of a client, or of whom another prefix is for."""
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    key = f"{prefix}.{name}.{secret}"
    return NewKey(key, hash_of(key))


def name_in(key: str, prefix: str = PREFIX) -> str:
    """Return whose key this claims to be, without its secret; empty if it is none of ours."""
    begins, _, rest = key.partition(".")
    return rest.rpartition(".")[0] if begins == prefix else ""


def key_in_basic(credential: str) -> str:
    """Return the password of HTTP's Basic, which is a key; empty if it is none."""
    try:
        return base64.b64decode(credential, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def hash_of(key: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def is_among(key: str, hashes: Iterable[str]) -> bool:
    """Tell whether a key is one of those that are kept; how long that takes says nothing about which."""
    found = False
    given = hash_of(key)
    for known in hashes:
        found |= hmac.compare_digest(given, known)
    return found
