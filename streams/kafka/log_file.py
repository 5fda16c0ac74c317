"""One partition's log in a file: how `vigil evaluate` hands the same records to two judges.

Each record is a header (append time in ms, bytes of key and value) and then key and value; its place is its offset.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.errors import BadData

_HEADER: Final = struct.Struct(">qII")


@dataclass(slots=True)
class LoggedRecord:
    """A record as a consumer hands it over; `timestamp` is its append time in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def write_log(path: Path, records: Iterable[tuple[int, bytes, bytes]]) -> int:
    """Write records, each (append time in ms, key, value), and return how many there were."""
    count = 0
    with path.open("wb") as file:
        for timestamp, key, value in records:
            file.write(_HEADER.pack(timestamp, len(key), len(value)) + key + value)
            count += 1
    return count


def read_log(path: Path) -> Iterator[LoggedRecord]:
    """Yield the records of a log.

    Raises:
        BadData: the file cannot be read, or ends in the midst of a record.
    """
    try:
        with path.open("rb") as file:
            offset = 0
            while header := file.read(_HEADER.size):
                if len(header) < _HEADER.size:
                    raise BadData(f"{path}: ends in the midst of record {offset}")
                timestamp, key_bytes, value_bytes = _HEADER.unpack(header)
                body = file.read(key_bytes + value_bytes)
                if len(body) < key_bytes + value_bytes:
                    raise BadData(f"{path}: ends in the midst of record {offset}")
                yield LoggedRecord(offset, timestamp, body[:key_bytes], body[key_bytes:])
                offset += 1
    except OSError as error:
        raise BadData(f"{path}: cannot be read: {error.strerror}") from None
