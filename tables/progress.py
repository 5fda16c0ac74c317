"""The record that ends a checkpoint: up to which offset and which tick the state of a whole partition reaches.

A patient whom ticks leave as they were is not written at a checkpoint; this record says for all of them which ticks
have been judged, so that a repeated or older tick changes nothing after a restart either.
"""

import struct
from typing import Final

from clinical.limits import NEVER
from tables.patients import PatientTable

END_KEY: Final = "~end"
"""Key of the record in the changelog; no patient's name starts with this character."""

VERSION: Final = 1
_PROGRESS: Final = struct.Struct("<Bqq")  # version, offset of the last record, time of the newest tick, ms

NOTHING: Final = (NEVER, NEVER)
"""Progress of a partition that had no checkpoint."""


def encode_progress(table: PatientTable) -> bytes:
    """Return how far the table's state reaches."""
    return _PROGRESS.pack(VERSION, table.processed, table.ticked_until_ms)


def decode_progress(record: bytes) -> tuple[int, int]:
    """Return offset and tick time (ms).

    Raises:
        ValueError: the record is of another version or not such a record.
    """
    if len(record) != _PROGRESS.size or record[0] != VERSION:
        raise ValueError(
            f"not the end of a checkpoint of version {VERSION}: {record[:1]!r}, {len(record)} bytes"
        )
    _, processed, ticked_ms = _PROGRESS.unpack(record)
    return processed, ticked_ms
