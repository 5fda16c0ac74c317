"""A bounded queue of records on disk, for protocols that acknowledge nothing: what it has is there after a kill.

Segments of records lie in one folder, each record with its length and CRC. Writing never returns to an old segment,
so a tail that a power cut left cut off is passed over, and everything before it is read. How far the records are done
is kept beside them; where that is lost they are read again, which costs work and is otherwise the same.
"""

import contextlib
import errno
import fcntl
import os
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from streams.errors import UsageError

SEGMENT_BYTES: Final = 4 * 1024 * 1024
"""Where a segment ends and the next begins; it is also what is given up at a time where the spool is full."""

SEGMENTS_MIN: Final = 8
"""A small spool has smaller segments, so that being full costs an eighth of it at most."""

RECORD_BYTES_MAX: Final = 1024 * 1024

_HEAD: Final = struct.Struct("<II")
_CRC_START: Final = 1
"""Not 0, with which a head of zeros, as a power cut leaves them, would be that of an empty record."""

_PLACE: Final = struct.Struct("<QQI")
_ENDING: Final = ".spool"


class Place(NamedTuple):
    """Between two records: the segment's number, and the offset in it, bytes."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in their order, and the place behind them."""

    records: list[bytes]
    end: Place


@dataclass(slots=True)
class Lost:
    """What the spool could not keep, since it was opened.

    `records` were given up because it was full, or the disk has lost them; `unreadable_bytes` were found at opening.
    """

    records: int = 0
    unreadable_bytes: int = 0


@dataclass(slots=True)
class _Segment:
    number: int
    size_bytes: int = 0
    ends: deque[int] = field(default_factory=deque)
    """Where each record that is not done ends."""


class Spool:
    """Records in a folder, first in, first out; for one process and one event loop (`sync` may run in a thread).

    Where it is full the OLDEST records are given up: what a patient's heart does now decides alarms, and what it did
    an hour ago does not. It is counted in `lost`.

    Args:
        folder: made if it is not there.
        bytes_max: of all segments together.

    Raises:
        UsageError: the folder cannot be had, or another process has it.
    """

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder, self._bytes_max = folder, bytes_max
        self._segment_bytes = min(SEGMENT_BYTES, bytes_max // SEGMENTS_MIN)
        self.record_bytes_max = min(RECORD_BYTES_MAX, self._segment_bytes - _HEAD.size)
        self.lost = Lost()
        self.newest_left: list[bytes] = []
        """Records of the newest segment that a former process wrote to, done or not: what was heard last before."""
        self._rolled: list[int] = []
        self._syncing = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._place_file = os.open(folder / "place", os.O_RDWR | os.O_CREAT, 0o600)
            self._segments = self._found()
            last = self._segments[-1].number if self._segments else self._place.segment
            self._writing = self._begin(last + 1)
        except BlockingIOError:
            raise UsageError(f"{folder}: another gateway has this spool") from None
        except OSError as error:
            raise UsageError(f"{folder}: cannot be a spool: {error.strerror}") from None

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    @property
    def records(self) -> int:
        """Records that are not done."""
        return sum(len(segment.ends) for segment in self._segments)

    @property
    def size_bytes(self) -> int:
        """Bytes on disk."""
        return sum(segment.size_bytes for segment in self._segments)

    def add(self, record: bytes) -> None:
        """Write a record; when it returns, the end of this process loses nothing of it.

        Raises:
            ValueError: it is longer than `record_bytes_max`.
            OSError: the disk does not take it; nothing of it is kept.
        """
        if len(record) > self.record_bytes_max:
            raise ValueError("longer than a record may be")
        whole = _HEAD.pack(len(record), zlib.crc32(record, _CRC_START)) + record
        segment = self._segments[-1]
        if segment.size_bytes + len(whole) > self._segment_bytes:
            segment = self._roll()
        while self.size_bytes + len(whole) > self._bytes_max and len(self._segments) > 1:
            self._give_up()
        try:
            if os.write(self._writing, whole) != len(whole):
                raise OSError(errno.ENOSPC, "the disk took a part of it")
        except OSError:
            # What was written of it would hide what follows. A full disk lets it be cut off, and the next try goes to
            # the same segment: a new one each would have a handle each, and all that was kept would be given up for
            # segments of nothing. Only where it cannot be cut off does it end this segment.
            size_bytes, segment.size_bytes = segment.size_bytes, self._segment_bytes
            os.ftruncate(self._writing, size_bytes)
            segment.size_bytes = size_bytes
            raise
        segment.size_bytes += len(whole)
        segment.ends.append(segment.size_bytes)

    def sync(self) -> None:
        """Have the disk itself hold all that was added before, against a power cut. Blocks."""
        with self._syncing:
            rolled, self._rolled = self._rolled, []
            with contextlib.ExitStack() as at_end:
                for handle in rolled:
                    at_end.callback(os.close, handle)
                writing = os.dup(self._writing)
                at_end.callback(os.close, writing)
                folder = os.open(self._folder, os.O_RDONLY)
                at_end.callback(os.close, folder)
                for handle in (*rolled, writing, folder):
                    os.fsync(handle)

    def first(self, records_max: int) -> Batch:
        """Return the oldest records that are not done, of one segment; none if there are none."""
        while (segment := next((one for one in self._segments if one.ends), None)) is not None:
            batch = self._read(segment, records_max)
            if batch.records:
                return batch
            with contextlib.suppress(OSError):  # whoever notes what comes next as done is told
                self.done(batch.end)
        return Batch([], self._place)

    def done(self, end: Place) -> None:
        """Note that all records before a place are done, and delete segments that hold no other.

        Raises:
            OSError: the disk does not take it; this process goes on behind them, the next one reads them again.
        """
        if end <= self._place:
            return
        over = []
        for segment in self._segments:
            if segment.number > end.segment:
                break
            while segment.ends and (segment.number < end.segment or segment.ends[0] <= end.offset):
                segment.ends.popleft()
            if not segment.ends and segment is not self._segments[-1]:
                over.append(segment)
        self._keep(end)
        for segment in over:
            self._delete(segment)

    def close(self) -> None:
        """Sync, and let go of the folder.

        Raises:
            OSError: the disk does not sync; the folder is let go of.
        """
        try:
            self.sync()
        finally:
            handles = (self._writing, self._place_file, self._lock)
            self._writing = self._place_file = self._lock = -1  # their numbers are other files' from now on
            for handle in handles:
                os.close(handle)

    def _found(self) -> list[_Segment]:
        """Read what a former process has left."""
        kept = os.pread(self._place_file, _PLACE.size, 0)
        self._place = Place(0, 0)
        if len(kept) == _PLACE.size and zlib.crc32(kept[:16]) == _PLACE.unpack(kept)[2]:
            self._place = Place(*_PLACE.unpack(kept)[:2])
        segments = []
        for path in sorted(self._folder.glob(f"*{_ENDING}")):
            segment = _Segment(int(path.stem))
            content = path.read_bytes()
            start = self._place.offset if segment.number == self._place.segment else 0
            records = list(_records(content))
            ends = [end for end, _ in records]
            if records:
                self.newest_left = [record for _, record in records]
            segment.ends.extend(end for end in ends if end > start)
            segment.size_bytes = len(content)
            self.lost.unreadable_bytes += len(content) - (ends[-1] if ends else 0)
            if segment.number < self._place.segment or not segment.ends:
                path.unlink()
            else:
                segments.append(segment)
        return segments

    def _read(self, segment: _Segment, records_max: int) -> Batch:
        start = self._place.offset if segment.number == self._place.segment else 0
        ends = [end for _, end in zip(range(records_max), segment.ends, strict=False)]
        try:
            with self._path(segment.number).open("rb") as file:
                file.seek(start)
                content = file.read(ends[-1] - start)
        except OSError:
            content = b""
        records = [record for _, record in _records(content)]
        if len(records) < len(ends):  # the disk has lost what it had
            self.lost.records += len(ends) - len(records)
        return Batch(records, Place(segment.number, ends[-1]))

    def _begin(self, number: int) -> int:
        handle = os.open(self._path(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        self._segments.append(_Segment(number))
        return handle

    def _roll(self) -> _Segment:
        handle = self._begin(self._segments[-1].number + 1)
        self._rolled.append(self._writing)
        self._writing = handle
        return self._segments[-1]

    def _give_up(self) -> None:
        oldest = self._segments[0]
        self.lost.records += len(oldest.ends)
        oldest.ends.clear()
        self._keep(max(self._place, Place(oldest.number, oldest.size_bytes)))
        self._delete(oldest)

    def _delete(self, segment: _Segment) -> None:
        self._segments.remove(segment)
        self._path(segment.number).unlink(missing_ok=True)

    def _keep(self, place: Place) -> None:
        self._place = place
        packed = _PLACE.pack(*place, 0)[:16]
        os.pwrite(self._place_file, packed + struct.pack("<I", zlib.crc32(packed)), 0)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:016d}{_ENDING}"


def _records(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield where each whole record ends, and the record, up to the first that is cut off or damaged."""
    at = 0
    while at + _HEAD.size <= len(content):
        size_bytes, crc = _HEAD.unpack_from(content, at)
        end = at + _HEAD.size + size_bytes
        record = content[at + _HEAD.size : end]
        if end > len(content) or zlib.crc32(record, _CRC_START) != crc:
            return
        yield end, record
        at = end
