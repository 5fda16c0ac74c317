"""Records of one partition into columns: the live lane's decoder.

Accepts and rejects exactly what `streams.frames.Frame` does (a property test holds the two together), several
times faster and without an object a reading. A record that is no frame becomes a `Reject`; its neighbours stay.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Annotated, Any, Final, Literal, Protocol

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType
from numpy.typing import NDArray

from clinical.vitals import ABSENT, ACVPU, COUNT, FLAGS, INDEX
from streams.frames import (
    EVENT_TS_MS_MAX,
    FRAME_BYTES_MAX,
    ID_PATTERN,
    INTERVAL_MS_MAX,
    SEQ_MAX,
    TICK_KEY,
    VALUE_ABS_MAX,
)

Count = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
Value = Annotated[float, Meta(ge=-VALUE_ABS_MAX, le=VALUE_ABS_MAX)] | None

KNOWN_IDS_MAX: Final = 500_000
"""Bound on the set of identifiers whose form was already checked."""


class Record(Protocol):
    """What the decoder reads of a consumed record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class _WireFrame(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Mirror of `Frame` in the order that makes columns cheap: identity, whole numbers, readings, charted."""

    patient: str
    device: str
    boot: Count
    seq: Count
    event_ts_ms: Annotated[int, Meta(ge=0, le=EVENT_TS_MS_MAX)]
    interval_ms: Annotated[int, Meta(ge=1, le=INTERVAL_MS_MAX)] = 1000
    hr: Value = ABSENT
    pulse: Value = ABSENT
    spo2: Value = ABSENT
    resp: Value = ABSENT
    nbp_sys: Value = ABSENT
    nbp_dia: Value = ABSENT
    nbp_mean: Value = ABSENT
    abp_sys: Value = ABSENT
    abp_dia: Value = ABSENT
    abp_mean: Value = ABSENT
    temp: Value = ABSENT
    etco2: Value = ABSENT
    fio2: Value = ABSENT
    consciousness: Literal["A", "C", "V", "P", "U"] | UnsetType | None = UNSET
    on_oxygen: bool | UnsetType | None = UNSET
    asystole: bool | UnsetType | None = UNSET
    apnoea: bool | UnsetType | None = UNSET


class _WireTick(msgspec.Struct, forbid_unknown_fields=True):
    tick_ts_ms: Annotated[int, Meta(ge=0, le=EVENT_TS_MS_MAX)]


_FIELDS: Final = _WireFrame.__struct_fields__
_FIRST_READING: Final = _FIELDS.index("hr")
_READINGS: Final = _FIELDS[_FIRST_READING : _FIELDS.index("consciousness")]
_READING_COLUMNS: Final = tuple((_FIRST_READING + i, INDEX[name]) for i, name in enumerate(_READINGS))
_ACVPU_LEVEL: Final[dict[Any, float]] = {
    UNSET: ABSENT,
    None: np.nan,
    **{letter: float(i) for i, letter in enumerate(ACVPU)},
}
_FLAG_LEVEL: Final[dict[Any, float]] = {UNSET: ABSENT, None: np.nan, False: 0.0, True: 1.0}
_CHARTED_COLUMNS: Final = (
    (_FIELDS.index("consciousness"), INDEX["consciousness"], _ACVPU_LEVEL),
    *((_FIELDS.index(name), INDEX[name], _FLAG_LEVEL) for name in FLAGS),
)

_decode_frame = msgspec.json.Decoder(_WireFrame).decode
_decode_tick = msgspec.json.Decoder(_WireTick).decode
_id_form = re.compile(ID_PATTERN).fullmatch
_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Reason = Literal["null-key", "empty", "too-large", "not-json", "invalid", "key-mismatch"]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is no frame, with the reason that its dead letter carries."""

    record: Record
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passing, at this place of the log. Times in ms."""

    offset: int
    tick_ts_ms: int
    append_ts_ms: int


@dataclass(slots=True)
class Frames:
    """Frames as columns, in log order: arrays of shape (n,), `values` of shape (n, signals).

    In `values` -inf is absent and NaN is attached without a reading.
    """

    patient: list[str]
    device: list[str]
    boot: NDArray[np.int64]
    seq: NDArray[np.int64]
    event_ts_ms: NDArray[np.int64]
    interval_ms: NDArray[np.int64]
    append_ts_ms: NDArray[np.int64]
    offset: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.patient)

    def take(self, chosen: "NDArray[np.bool_] | slice") -> "Frames":
        """Return the chosen frames, in order; `chosen` is a mask of shape (n,) or a slice."""
        if isinstance(chosen, slice):
            if len(range(*chosen.indices(len(self)))) == len(self):
                return self
            patient, device = self.patient[chosen], self.device[chosen]
        else:
            patient = list(compress(self.patient, chosen))
            device = list(compress(self.device, chosen))
        return Frames(
            patient,
            device,
            self.boot[chosen],
            self.seq[chosen],
            self.event_ts_ms[chosen],
            self.interval_ms[chosen],
            self.append_ts_ms[chosen],
            self.offset[chosen],
            self.values[chosen],
        )


@dataclass(slots=True)
class Decoded:
    """A run of records decoded: stretches of frames divided by the ticks between them, in log order."""

    parts: list[Frames | Tick] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Decoder:
    """Decodes runs of records; remembers identifiers whose form it has checked."""

    def __init__(self) -> None:
        self._known_ids: set[str] = set()

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Return the records as columns, ticks and rejects."""
        decoded = Decoded()
        keys = [record.key for record in records]
        start = 0
        for _ in range(keys.count(TICK_KEY)):
            tick = keys.index(TICK_KEY, start)
            self._frames(records[start:tick], decoded)
            self._tick(records[tick], decoded)
            start = tick + 1
        self._frames(records[start:] if start else records, decoded)
        return decoded

    def _tick(self, record: Record, decoded: Decoded) -> None:
        try:
            tick = _decode_tick(record.value or b"")
        except _FAULTS as error:
            decoded.rejects.append(Reject(record, "invalid", f"tick: {error}"))
        else:
            decoded.parts.append(Tick(record.offset, tick.tick_ts_ms, record.timestamp))

    def _frames(self, records: Sequence[Record], decoded: Decoded) -> None:
        if not records:
            return
        try:  # almost always every record is a frame
            values = [record.value for record in records]
            frames = list(map(_decode_frame, values))  # type: ignore[arg-type]
            good = max(map(len, values)) <= FRAME_BYTES_MAX and self._identities(records, frames)  # type: ignore[arg-type]
        except (*_FAULTS, TypeError):
            good = False
        if not good:
            records, frames = self._one_by_one(records, decoded.rejects)
        if frames:
            decoded.parts.append(_columns(records, frames))

    def _identities(self, records: Sequence[Record], frames: Sequence[_WireFrame]) -> bool:
        """Whether all keys equal the patient inside and all identifiers have the right form."""
        patients = [frame.patient for frame in frames]
        keys = [record.key for record in records]
        if b"\n".join(keys) != "\n".join(patients).encode():  # type: ignore[arg-type]
            return False
        devices = [frame.device for frame in frames]
        known = self._known_ids
        if known.issuperset(patients) and known.issuperset(devices):
            return True
        unknown = {*patients, *devices} - known
        if not all(map(_id_form, unknown)):
            return False
        if len(known) > KNOWN_IDS_MAX:
            known.clear()
        known |= unknown
        return True

    def _one_by_one(
        self, records: Sequence[Record], rejects: list[Reject]
    ) -> tuple[list[Record], list[_WireFrame]]:
        kept: list[Record] = []
        frames: list[_WireFrame] = []
        for record in records:
            outcome = _judge_record(record)
            if isinstance(outcome, Reject):
                rejects.append(outcome)
            else:
                kept.append(record)
                frames.append(outcome)
        return kept, frames


def _judge_record(record: Record) -> _WireFrame | Reject:
    if record.value is None:
        return Reject(record, "empty", "no value")
    if len(record.value) > FRAME_BYTES_MAX:
        return Reject(record, "too-large", f"{len(record.value)} bytes, at most {FRAME_BYTES_MAX}")
    try:
        frame = _decode_frame(record.value)
    except msgspec.ValidationError as error:
        return Reject(record, "invalid", str(error))
    except _FAULTS as error:
        return Reject(record, "not-json", str(error))
    for name, identifier in (("patient", frame.patient), ("device", frame.device)):
        if not _id_form(identifier):
            return Reject(record, "invalid", f"{name} does not match {ID_PATTERN}")
    if record.key is None:
        return Reject(record, "null-key", "the record's key must be the patient")
    if record.key != frame.patient.encode():
        return Reject(record, "key-mismatch", "the record's key differs from the patient inside")
    return frame


def _columns(records: Sequence[Record], frames: Sequence[_WireFrame]) -> Frames:
    columns = list(zip(*map(msgspec.structs.astuple, frames), strict=True))
    n = len(frames)
    values = np.empty((n, COUNT), dtype=np.float64)
    for source, target in _READING_COLUMNS:
        column = columns[source]
        # Most devices measure few signals: a column that begins and ends absent is likely absent as a whole.
        absent = column[0] is column[-1] is ABSENT and column.count(ABSENT) == n
        values[:, target] = ABSENT if absent else column  # None becomes NaN
    for source, target, levels in _CHARTED_COLUMNS:
        column = columns[source]
        charted = column.count(UNSET) < n
        values[:, target] = [levels[level] for level in column] if charted else ABSENT
    return Frames(
        patient=list(columns[0]),
        device=list(columns[1]),
        boot=np.array(columns[2], dtype=np.int64),
        seq=np.array(columns[3], dtype=np.int64),
        event_ts_ms=np.array(columns[4], dtype=np.int64),
        interval_ms=np.array(columns[5], dtype=np.int64),
        append_ts_ms=np.array([record.timestamp for record in records], dtype=np.int64),
        offset=_offsets(records),
        values=values,
    )


def _offsets(records: Sequence[Record]) -> NDArray[np.int64]:
    first, last = records[0].offset, records[-1].offset
    if last - first + 1 == len(records):  # the log counts up: none is missing in between
        return np.arange(first, last + 1, dtype=np.int64)
    return np.array([record.offset for record in records], dtype=np.int64)
