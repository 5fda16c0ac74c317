"""Frames into Kafka's own bytes, ahead of time: record batches and produce requests, built with NumPy.

All frames have one length, so a second of load is a matrix of bytes whose digits are filled in column by column.
At run time nothing is left to do but to hand finished requests to a socket.
Sources: Kafka protocol guide, record batch of magic 2 and Produce request version 3.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.record.util import calc_crc32c
from numpy.typing import NDArray

from bench.suite.arrivals import DIGITS, FIELDS, Frames, Ints
from streams.errors import VigilError

Bytes = NDArray[np.uint8]

PRODUCE, PRODUCE_VERSION = 0, 3
ACKS_ALL: Final = -1
BROKER_TIMEOUT_MS: Final = 30_000
CLIENT_ID: Final = b"vigil-bench"

BATCH_RECORDS_MAX: Final = 4_000
"""Of one partition in one slot: below the broker's megabyte for a batch."""

PATIENT_DIGITS, SEQ_DIGITS, TIME_DIGITS = 6, 12, 16  # in fours, the table's width, but for the patient
SEQ_FIRST: Final = 100_000_000_000
SEQ_STEP: Final = 1_000_000_000
"""Sequence numbers all have twelve digits; a run on a system that runs already starts a step higher."""
CHUNK: Final = 200_000
"""Frames that are encoded at once: 40 MB of work space."""

_HEAD: Final = struct.Struct(">qiibIhiqqqhii")
_HEAD_BYTES: Final = 61
_CRC_AT, _CRC_FROM = 17, 21
_FOURS: Final = np.array([list(b"%04d" % number) for number in range(10_000)], dtype=np.uint8)
_SHORT_MAX: Final = 64
"""Records of a batch whose offset takes one byte as a varint; the others take two."""


def patient_id(number: int) -> bytes:
    """Return a patient's id, which is also the record's key."""
    return b"p%06d" % number


def places(patients: int, partitions: int) -> Ints:
    """Return the partition of every patient, (patients,), as Kafka's own partitioner chooses it."""
    partition_of, numbers = DefaultPartitioner(), list(range(partitions))
    return np.array([partition_of(patient_id(i), numbers, numbers) for i in range(patients)], dtype=np.int64)


def frame_value(patient: bytes, seq: int, event_ts_ms: int, values: dict[str, int]) -> bytes:
    """Return one frame as JSON, in the very form that the matrix has."""
    readings = b",".join(b'"%s":%d' % (name.encode(), value) for name, value in values.items())
    head = b'{"patient":"%s","device":"m%s","boot":1,"seq":%d,"event_ts_ms":%d,'
    return head % (patient, patient[1:], seq, event_ts_ms) + readings + b"}"


def _template() -> tuple[bytes, dict[str, int]]:
    """Return a record behind its offset, and where in it each field's digits begin."""
    values = {name: 10 ** (width - 1) for name, width in zip(FIELDS, DIGITS, strict=True)}
    key = patient_id(0)
    value = frame_value(key, SEQ_FIRST, 10**12, values)
    at = {
        name: value.index(b'"%s":' % name.encode()) + len(name) + 3
        for name in (*FIELDS, "seq", "event_ts_ms")
    }
    at["patient"] = value.index(key) + 1
    at["device"] = value.index(b'"m') + 2
    body = varint(len(key)) + key + varint(len(value))
    at = {name: where + len(body) for name, where in at.items()}
    at["key"] = len(varint(len(key))) + 1
    return body + value + varint(0), at


def varint(number: int) -> bytes:
    """Return a number in Kafka's zigzag variable-length form."""
    zigzag, out = (number << 1) ^ (number >> 63), bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


_TAIL, _AT = _template()


def _heads(first: int, last: int) -> Bytes:
    """Return what stands before the tail of records with these offsets in their batch: length to offset."""
    rows = []
    for offset in range(first, last):
        inside = b"\0\0" + varint(offset)  # attributes, timestamp as the batch's
        rows.append(list(varint(len(inside) + len(_TAIL)) + inside))
    return np.array(rows, dtype=np.uint8)


_SHORT, _LONG = _heads(0, _SHORT_MAX), _heads(_SHORT_MAX, BATCH_RECORDS_MAX)
FRAME_BYTES: Final = _LONG.shape[1] + len(_TAIL)


class Encoder:
    """Encodes frames in order; `start_ms` is the epoch time of the run's start, `seq` the first frame's number."""

    def __init__(self, start_ms: int, seq: int = SEQ_FIRST) -> None:
        self._start_ms = start_ms
        self._seq = seq

    def tails(self, frames: Frames) -> Bytes:
        """Return the records of n frames behind their offsets, shape (n, bytes)."""
        rows = np.broadcast_to(np.frombuffer(_TAIL, np.uint8), (len(frames), len(_TAIL))).copy()
        digits = _fours(frames.patient, 8)[:, 8 - PATIENT_DIGITS :]
        for field in ("key", "patient", "device"):
            rows[:, _AT[field] : _AT[field] + PATIENT_DIGITS] = digits
        seq = self._seq + np.arange(len(frames))
        self._seq += len(frames)
        rows[:, _AT["seq"] : _AT["seq"] + SEQ_DIGITS] = _fours(seq, SEQ_DIGITS)
        moment = _fours(self._start_ms + frames.event_ms, TIME_DIGITS)[:, 3:]
        rows[:, _AT["event_ts_ms"] : _AT["event_ts_ms"] + 13] = moment
        for column, (name, width) in enumerate(zip(FIELDS, DIGITS, strict=True)):
            rows[:, _AT[name] : _AT[name] + width] = _FOURS[frames.values[:, column]][:, 4 - width :]
        return rows


def _fours(numbers: Ints, width: int) -> Bytes:
    """Return the last `width` digits (a multiple of four) of each number, shape (n, width)."""
    parts = []
    for _ in range(width // 4):
        numbers, rest = np.divmod(numbers, 10_000)
        parts.append(_FOURS[rest])
    return np.concatenate(parts[::-1], axis=1)


def batch_of_frames(tails: Bytes, timestamp_ms: int) -> bytearray:
    """Return one record batch of at most `BATCH_RECORDS_MAX` frames."""
    count = len(tails)
    short, width = min(count, _SHORT_MAX), tails.shape[1]
    split = _HEAD_BYTES + short * (_SHORT.shape[1] + width)
    out = np.empty(split + (count - short) * (_LONG.shape[1] + width), dtype=np.uint8)
    for rows, heads, part in (
        (out[_HEAD_BYTES:split], _SHORT[:short], tails[:short]),
        (out[split:], _LONG[: count - short], tails[short:]),
    ):
        if len(part):
            matrix = rows.reshape(len(part), heads.shape[1] + width)
            matrix[:, : heads.shape[1]] = heads
            matrix[:, heads.shape[1] :] = part
    return _finish(bytearray(out.data), count, timestamp_ms)


def batch_of_records(records: list[tuple[bytes, bytes]], timestamp_ms: int) -> bytearray:
    """Return one record batch of any keys and values."""
    body = bytearray(_HEAD_BYTES)
    for offset, (key, value) in enumerate(records):
        inside = b"\0\0" + varint(offset) + varint(len(key)) + key + varint(len(value)) + value + b"\0"
        body += varint(len(inside)) + inside
    return _finish(body, len(records), timestamp_ms)


def _finish(batch: bytearray, count: int, timestamp_ms: int) -> bytearray:
    """Fill in the header of a batch whose first bytes are free."""
    _HEAD.pack_into(
        batch, 0, 0, len(batch) - 12, -1, 2, 0, 0, count - 1, timestamp_ms, timestamp_ms, -1, -1, -1, count
    )
    struct.pack_into(">I", batch, _CRC_AT, calc_crc32c(memoryview(batch)[_CRC_FROM:]))
    return batch


def produce_request(topic: str, batches: list[tuple[int, bytearray]], number: int) -> bytes:
    """Return a whole Produce request, its size before it; `batches` holds (partition, batch)."""
    name = topic.encode()
    parts: list[bytes | bytearray] = [
        struct.pack(">hhih", PRODUCE, PRODUCE_VERSION, number, len(CLIENT_ID)) + CLIENT_ID,
        struct.pack(">hhiih", -1, ACKS_ALL, BROKER_TIMEOUT_MS, 1, len(name)) + name,
        struct.pack(">i", len(batches)),
    ]
    for partition, batch in batches:
        parts += [struct.pack(">ii", partition, len(batch)), batch]
    size = sum(map(len, parts))
    return b"".join([struct.pack(">i", size), *parts])


def check_answer(answer: bytes) -> int:
    """Return the number of the request that a Produce response (without its size) answers.

    Raises:
        VigilError: the broker refused a partition's batch.
    """
    number, topics = struct.unpack_from(">ii", answer)
    at = 8
    for _ in range(topics):
        (length,) = struct.unpack_from(">h", answer, at)
        (count,) = struct.unpack_from(">i", answer, at + 2 + length)
        at += 6 + length
        for _ in range(count):
            partition, error = struct.unpack_from(">ih", answer, at)
            if error:
                raise VigilError(f"the broker refused a batch of partition {partition}: error code {error}")
            at += 22
    return int(number)


@dataclass(frozen=True, slots=True)
class Request:
    """One produce request, when it is to be sent (ms since the run's start), and by which connection."""

    planned_ms: int
    connection: int
    data: bytes


def requests(
    frames: Frames, topic: str, partition_of: Ints, start_ms: int, connections: int, seq: int = SEQ_FIRST
) -> Iterator[Request]:
    """Yield one request a slot and connection, in the order of sending; a partition stays on one connection.

    Raises:
        VigilError: more frames fall into one slot of a partition than a batch may have.
    """
    encoder = Encoder(start_ms, seq)
    at, number = 0, 0
    while at < len(frames):
        chunk = frames.part(at, _whole_slots(frames.planned_ms, at, min(at + CHUNK, len(frames))))
        at += len(chunk)
        tails, partition = encoder.tails(chunk), partition_of[chunk.patient]
        connection = partition % connections
        order = np.lexsort((partition, connection, chunk.planned_ms))
        tails, slot, part, line = tails[order], chunk.planned_ms[order], partition[order], connection[order]
        edges = np.flatnonzero((np.diff(slot) != 0) | (np.diff(part) != 0)) + 1
        waiting: list[tuple[int, bytearray]] = []
        for first, last in zip([0, *edges.tolist()], [*edges.tolist(), len(order)], strict=True):
            if last - first > BATCH_RECORDS_MAX:
                raise VigilError(
                    f"{last - first} frames in one slot of a partition, at most {BATCH_RECORDS_MAX}"
                )
            now_ms = int(slot[first])
            waiting.append((int(part[first]), batch_of_frames(tails[first:last], start_ms + now_ms)))
            if last == len(order) or slot[last] != now_ms or line[last] != line[first]:
                yield Request(now_ms, int(line[first]), produce_request(topic, waiting, number))
                number, waiting = number + 1, []


def _whole_slots(planned_ms: Ints, start: int, end: int) -> int:
    """Return the end of a chunk that does not cut a slot in two, unless one slot is all of it."""
    if end == len(planned_ms):
        return end
    slot_start = int(np.searchsorted(planned_ms, planned_ms[end]))
    return (
        slot_start if slot_start > start else int(np.searchsorted(planned_ms, planned_ms[end], side="right"))
    )
