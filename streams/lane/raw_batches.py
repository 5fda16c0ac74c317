"""A fetched batch opened by compiled code: its records as places in its bytes, where aiokafka makes an object of each.

Format and codecs are Kafka's (KIP-98); what compiled code finds no records in is left to aiokafka's parser, which says
what is wrong with it. Only with Numba this file can be imported.
"""

from struct import Struct
from typing import Final

import numpy as np
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode

from clinical.kernels.record_batch import walk
from streams.decoding.raw_records import RawRecords

_HEADER: Final = Struct(">qiibIhiqqqhii")
"""First offset, length, epoch of the leader, format, checksum, attributes, last offset, first and last time, producer
and its epoch, first number, count."""

_FORMAT: Final = 2
_CODEC, _STAMPED = 0x07, 0x08
"""In the attributes: how the records are compressed, and whether the last time is the broker's, for all of them."""

_CODECS: Final = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}

_RECORD_BYTES_MIN: Final = 7


def open_raw(data: memoryview, start: int, end: int) -> RawRecords | None:
    """Return the records of the batch that lies there, None where compiled code finds none.

    Args:
        data: what was fetched.
        start: where the batch begins.
        end: where it ends.

    Raises:
        Exception: whatever a decompressor raises.
    """
    first, _, _, form, _, attributes, _, first_ms, last_ms, *_, count = _HEADER.unpack_from(data, start)
    codec = attributes & _CODEC
    if form != _FORMAT or (codec and codec not in _CODECS):
        return None
    at = start + _HEADER.size
    if codec:
        data = memoryview(_CODECS[codec](bytes(data[at:end])))
        at, end = 0, len(data)
    if not 0 <= count <= (end - at) // _RECORD_BYTES_MIN:
        return None
    is_stamped = bool(attributes & _STAMPED)
    records = RawRecords(data, np.empty((count, 6), np.int64))
    base_ms = last_ms if is_stamped else first_ms
    return records if walk(records.array, at, end, first, base_ms, is_stamped, records.places) else None
