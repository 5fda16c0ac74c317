"""The record that ends a checkpoint: how far the state of a whole partition reaches, and where its records begin.

A patient whom ticks leave as they were is not written at a checkpoint; this record says for all of them which ticks
have been judged, so that a repeated or older tick changes nothing after a restart either.
"""

import struct
from typing import Final, NamedTuple

from clinical.limits import NEVER
from tables.patients import PatientTable

END_KEY: Final = "~end"
"""Key of the record in the changelog; no patient's name starts with this character."""

VERSION: Final = 2
_PROGRESS: Final = struct.Struct("<Bqqq")  # version, then the fields of `Progress`


class Progress(NamedTuple):
    """How far a partition's state reaches."""

    processed: int
    """Offset of the last record that is part of it."""
    ticked_ms: int
    """Time of the newest tick that was judged."""
    whole_from: int
    """Offset of the changelog from which on its records hold the whole state."""


NOTHING: Final = Progress(NEVER, NEVER, 0)
"""Progress of a partition that had no checkpoint."""


def encode_progress(table: PatientTable) -> bytes:
    """Return how far the table's state reaches."""
    return packed(Progress(table.processed, table.ticked_until_ms, table.whole_from))


def packed(progress: Progress) -> bytes:
    """Return the record that says how far a state reaches."""
    return _PROGRESS.pack(VERSION, *progress)


def decode_progress(record: bytes) -> Progress:
    """Return what such a record says.

    Raises:
        ValueError: the record is of another version or not such a record.
    """
    if len(record) != _PROGRESS.size or record[0] != VERSION:
        raise ValueError(
            f"not the end of a checkpoint of version {VERSION}: {record[:1]!r}, {len(record)} bytes"
        )
    return Progress(*_PROGRESS.unpack(record)[1:])
