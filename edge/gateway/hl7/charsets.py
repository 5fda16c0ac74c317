"""The bytes of a message as text: by MSH-18, or as set for the sender."""

from functools import lru_cache
from typing import Final

# HL7 table 0211 in the spellings of that table and of monitors. `UNICODE` alone is in practice UTF-8 (MLLP cannot
# carry UTF-16 or UTF-32: their bytes contain VT and FS).
_NAMES: Final[dict[str, str]] = {
    "ASCII": "utf-8",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "ISO IR6": "utf-8",
    "ISO IR14": "iso2022_jp",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    **{f"8859/{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
_ESCAPE: Final = b"\x1b"
_PROBE: Final = b"MSH|"
"""A character set that reads this otherwise (UTF-16) cannot be in a message that MLLP carries."""


@lru_cache(maxsize=256)
def codec_of(name: str) -> str | None:
    """Return Python's name of a character set of HL7's table 0211 or of its own, None if there is none such."""
    known = _NAMES.get(name.strip().upper())
    if known is not None:
        return known
    try:
        return name.strip() if _PROBE.decode(name.strip()) == "MSH|" else None
    except (LookupError, ValueError):  # not known here, or no character set
        return None


def decode(block: bytes, declared: str, given: str | None) -> str | None:
    """Return a message's text, None where its character set is not known.

    What cannot be read in it is U+FFFD, which damages an identifier and nothing else. No character set at all is
    read as UTF-8, of which ASCII is a part.

    Args:
        block: the message.
        declared: the first of MSH-18, empty if there is none.
        given: set for the sender, in the place of what it declares.
    """
    if block.isascii() and _ESCAPE not in block:
        return block.decode("ascii")
    codec = codec_of(given or declared or "UTF-8")
    return None if codec is None else block.decode(codec, "replace")
