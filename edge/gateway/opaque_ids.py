"""Names of devices and places as ids of Vigil's, and which names are damaged; the same for every protocol."""

import hashlib
import re
from functools import lru_cache
from typing import Final

from streams.contracts.frame import ID_PATTERN

DAMAGED: Final = ("?", "\N{REPLACEMENT CHARACTER}")
"""What stands where a character was lost: a known client writes `?` for all beyond ASCII, decoding writes the other.
Two people's identifiers may look the same after that."""

ID_LENGTH_MAX: Final = 64
_HASH_DIGITS: Final = 8
_ID: Final = re.compile(ID_PATTERN)
_NOT_IN_IDS: Final = re.compile(r"[^A-Za-z0-9._:@-]+")
_EUI_64: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[-:. ]?){7}[0-9A-Fa-f]{2}")
_SEPARATORS: Final = re.compile("[-:. ]")


def is_damaged(text: str) -> bool:
    """Whether an identifier has lost a character on its way."""
    return any(sign in text for sign in DAMAGED)


@lru_cache(maxsize=65_536)
def opaque(text: str) -> str:
    """Return an id for a device or place; one that is no id already gets a hash, so that no two become the same."""
    if _ID.fullmatch(text):
        return text
    readable = _NOT_IN_IDS.sub("-", text).strip("-._:@") or "id"
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{readable[: ID_LENGTH_MAX - _HASH_DIGITS - 1]}-{digest}"


def eui_64(text: str) -> str:
    """Return an EUI-64 without separators, in capitals; empty if the text is none."""
    return _SEPARATORS.sub("", text).upper() if _EUI_64.fullmatch(text) else ""
