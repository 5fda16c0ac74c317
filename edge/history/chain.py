"""The ledger's rows and their chain: each row's SHA-256 is over the one before and all that the row says. Pure.

Who changes, takes out or puts in a row breaks the chain there; who then makes the rest of it anew changes the last
hash, the head, which can be kept elsewhere (`vigil audit head`).
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

GENESIS: Final = bytes(32)
"""Stands before the first row."""

SUMMARY: Final = ("patient", "kind", "at_ts_ms")
_TIMES: Final = ("event_ts_ms", "at_ts_ms", "issued_ts_ms", "since_ts_ms")
_KINDS: Final = ("milestone", "phase", "act", "kind")


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a topic as it was read. Its place names it; `seq` counts rows from 1 in the order of the chain.

    `patient`, `kind` and `at_ts_ms` are from the value, to be searched by; `kind` is None where it cannot be read.
    """

    topic: str
    partition: int
    offset: int
    append_ts_ms: int
    key: bytes | None
    value: bytes | None
    seq: int = 0
    hash: bytes = GENESIS
    patient: str | None = None
    kind: str | None = None
    at_ts_ms: int | None = None

    @property
    def place(self) -> str:
        """Where it was read, for people."""
        return f"row {self.seq}: {self.topic}, partition {self.partition}, offset {self.offset}"


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: how many rows, and the last hash."""

    seq: int = 0
    hash: bytes = GENESIS

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @staticmethod
    def of(text: str) -> "Head":
        """Return the head that a text says.

        Raises:
            ValueError: it says none.
        """
        seq, _, digest = text.partition(":")
        found = Head(int(seq), bytes.fromhex(digest))
        if found.seq < 0 or len(found.hash) != len(GENESIS):
            raise ValueError("a head is NUMBER:64 hexadecimal digits")
        return found


def digest(before: bytes, row: Row) -> bytes:
    """Return the hash of a row that stands behind the one with the hash `before`."""
    found = hashlib.sha256(before)
    numbers = f"{row.seq}\n{row.topic}\n{row.partition}\n{row.offset}\n{row.append_ts_ms}\n"
    found.update(numbers.encode())
    for part in (row.key, row.value):  # the length keeps one part from running into the next
        found.update(b"-" if part is None else b"%d:" % len(part))
        found.update(part or b"")
    return found.digest()


def summarised(row: Row) -> Row:
    """Return the row with what it can be searched by."""
    said = read(row.value)
    if said is None:
        return replace(row, patient=None, kind=None, at_ts_ms=row.append_ts_ms)
    patient = said.get("patient")
    kind = next((said[name] for name in _KINDS if isinstance(said.get(name), str)), "")
    at_ts_ms = next((said[name] for name in _TIMES if _is_time(said.get(name))), row.append_ts_ms)
    patient = _storable(patient) if isinstance(patient, str) else None
    return replace(row, patient=patient, kind=_storable(kind), at_ts_ms=at_ts_ms)


def _storable(text: str) -> str:
    """Return a text without what a store takes in none: half a character, and the one that ends a text in C."""
    return text.replace("\0", "").encode(errors="replace").decode()


def read(value: bytes | None) -> dict[str, Any] | None:
    """Return what a value says; None where it is no JSON object."""
    try:
        said = json.loads((value or b"").decode())
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _is_time(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def chained(rows: Iterable[Row], head: Head) -> Iterator[Row]:
    """Yield the rows as they stand behind a chain's head."""
    for row in rows:
        row = summarised(replace(row, seq=head.seq + 1))
        head = Head(row.seq, digest(head.hash, row))
        yield replace(row, hash=head.hash)


@dataclass(frozen=True, slots=True)
class Broken:
    """The first row that does not follow from those before it, and what is wrong with it."""

    seq: int
    what: str


def first_broken(rows: Iterable[Row], kept: Head | None = None) -> Broken | Head:
    """Return where a chain is broken, else its head.

    Args:
        rows: all of them, in the order of `seq`.
        kept: a head that was kept elsewhere, which the chain must have gone through.
    """
    head = Head()
    for row in rows:
        if row.seq != head.seq + 1:
            return Broken(head.seq + 1, f"row {head.seq + 1} was removed: row {row.seq} follows")
        if digest(head.hash, row) != row.hash:
            return Broken(row.seq, f"{row.place}: changed, or a row before it was removed or put in")
        again = summarised(row)
        if any(getattr(again, name) != getattr(row, name) for name in SUMMARY):
            return Broken(row.seq, f"{row.place}: what it is searched by was changed")
        head = Head(row.seq, row.hash)
        if kept is not None and kept.seq == head.seq and kept.hash != head.hash:
            return Broken(row.seq, f"{row.place}: not the row whose hash was kept: the chain was made anew")
    if kept is not None and kept.seq > head.seq:
        return Broken(head.seq + 1, f"rows {head.seq + 1} to {kept.seq} were removed from the end")
    return head
