"""Records as places in the bytes that were fetched: no object each, unless somebody looks at one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from streams.decoding.decoded import Record

OFFSET, TIMESTAMP, KEY, KEY_END, VALUE, VALUE_END = range(6)
"""The columns of `places`; a key or a value that is null begins at -1."""


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """One record, for who looks at one. Time in ms."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class RawRecords(Sequence[Any]):
    """Records in the order of their log: `places`, (n, 6), in `data`."""

    __slots__ = ("array", "data", "places")

    def __init__(self, data: Any, places: NDArray[np.int64], array: NDArray[np.uint8] | None = None) -> None:
        self.data, self.places = data, places
        if array is None:
            array = np.frombuffer(data, np.uint8)
            array.flags.writeable = False  # what can be written is another type to compiled code
        self.array = array

    @staticmethod
    def of(records: Sequence[Record]) -> "RawRecords":
        """Return records that are objects as places in bytes of their own."""
        pieces: list[bytes] = []
        places = np.empty((len(records), 6), np.int64)
        at = 0
        for i, record in enumerate(records):
            place = [record.offset, record.timestamp]
            for piece in (record.key, record.value):
                if piece is None:
                    place += (-1, -1)
                else:
                    pieces.append(piece)
                    place += (at, at := at + len(piece))
            places[i] = place
        return RawRecords(b"".join(pieces), places)

    @property
    def times(self) -> NDArray[np.int64]:
        """When each was written, (n,), ms."""
        return self.places[:, TIMESTAMP]

    def with_times(self, times: NDArray[np.int64]) -> "RawRecords":
        """Return them with other times, (n,), ms."""
        places = self.places.copy()
        places[:, TIMESTAMP] = times
        return RawRecords(self.data, places, self.array)

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, i: int) -> ReadRecord: ...
    @overload
    def __getitem__(self, i: slice) -> "RawRecords": ...
    def __getitem__(self, i: int | slice) -> "ReadRecord | RawRecords":
        if isinstance(i, slice):
            return RawRecords(self.data, self.places[i], self.array)
        offset, timestamp, key, key_end, value, value_end = self.places[i].tolist()
        data = self.data
        return ReadRecord(
            offset,
            timestamp,
            None if key < 0 else bytes(data[key:key_end]),
            None if value < 0 else bytes(data[value:value_end]),
        )


def joined(stretches: Sequence[RawRecords]) -> RawRecords:
    """Return stretches as one, each behind the one before it; there is at least one."""
    first = stretches[0]
    if len(stretches) == 1:
        return first
    places = np.concatenate([stretch.places for stretch in stretches])
    if all(stretch.data is first.data for stretch in stretches):
        return RawRecords(first.data, places, first.array)
    begins = np.cumsum([0, *(len(stretch.data) for stretch in stretches[:-1])])
    of_stretch = np.repeat(begins, [len(stretch) for stretch in stretches])[:, None]
    pieces = places[:, KEY:]
    pieces[...] = np.where(pieces < 0, -1, pieces + of_stretch)
    return RawRecords(b"".join(stretch.data for stretch in stretches), places)
