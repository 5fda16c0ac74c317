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
from pydantic import ValidationError

from clinical.vitals import ABSENT, ACVPU, COUNT, FLAGS, INDEX
from streams.commands import COMMAND_BYTES_MAX, COMMAND_KEY, Command, Order
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
_ID_CHARACTERS: Final = bytes(c for c in range(128) if _id_form("a" + chr(c)))
_ID_BEGINS: Final = np.array([c < 128 and _id_form(chr(c)) is not None for c in range(256)])
_ID_LENGTH_MAX: Final = max(n for n in range(FRAME_BYTES_MAX) if _id_form("a" * n))
_BETWEEN: Final = ord("\n")
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


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command, at this place of the log. Time in ms."""

    offset: int
    append_ts_ms: int
    order: Order


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
    """A run of records decoded: stretches of frames divided by ticks and commands between them, in log order."""

    parts: list[Frames | Tick | Ordered] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Decoder:
    """Decodes runs of records."""

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Return the records as columns, ticks, commands and rejects."""
        decoded = Decoded()
        keys = [record.key for record in records]
        start = 0
        for at in _places(keys):
            self._frames(records[start:at], keys[start:at], decoded)
            if keys[at] == TICK_KEY:
                self._tick(records[at], decoded)
            else:
                self._command(records[at], decoded)
            start = at + 1
        self._frames(records[start:] if start else records, keys[start:], decoded)
        return decoded

    def _tick(self, record: Record, decoded: Decoded) -> None:
        try:
            tick = _decode_tick(record.value or b"")
        except _FAULTS as error:
            decoded.rejects.append(Reject(record, "invalid", f"tick: {error}"))
        else:
            decoded.parts.append(Tick(record.offset, tick.tick_ts_ms, record.timestamp))

    def _command(self, record: Record, decoded: Decoded) -> None:
        order = read_command(record)
        if isinstance(order, Reject):
            decoded.rejects.append(order)
        else:
            decoded.parts.append(Ordered(record.offset, record.timestamp, order))

    def _frames(self, records: Sequence[Record], keys: Sequence[bytes | None], decoded: Decoded) -> None:
        if not records:
            return
        try:  # almost always every record is a frame
            values = [record.value for record in records]
            frames = list(map(_decode_frame, values))  # type: ignore[arg-type]
            good = max(map(len, values)) <= FRAME_BYTES_MAX and self._identities(keys, frames)  # type: ignore[arg-type]
        except (*_FAULTS, TypeError):
            good = False
        if not good:
            records, frames = self._one_by_one(records, decoded.rejects)
        if frames:
            decoded.parts.append(_columns(records, frames))

    def _identities(self, keys: Sequence[bytes | None], frames: Sequence[_WireFrame]) -> bool:
        """Whether all keys equal the patient inside and all identifiers have the right form."""
        patients = "\n".join([frame.patient for frame in frames]).encode()
        if b"\n".join(keys) != patients:  # type: ignore[arg-type]
            return False
        devices = "\n".join([frame.device for frame in frames]).encode()
        return _are_identifiers(b"%s\n%s" % (patients, devices), 2 * len(frames))

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


def _are_identifiers(joined: bytes, count: int) -> bool:
    """Whether `count` texts, joined with a line feed between them, are all identifiers.

    The form of `ID_PATTERN`, for all of them in a few passes over the bytes: no other characters, none empty, none
    too long, each with a letter or digit first.
    """
    if len(joined.translate(None, _ID_CHARACTERS)) != count - 1:
        return False
    text = np.frombuffer(joined, np.uint8)
    ends = np.flatnonzero(text == _BETWEEN)
    begins = np.concatenate(([0], ends + 1))
    lengths = np.diff(begins, append=len(text) + 1) - 1
    return bool(lengths.min() > 0 and lengths.max() <= _ID_LENGTH_MAX and _ID_BEGINS[text[begins]].all())


def _places(keys: list[bytes | None]) -> list[int]:
    """Return where ticks and commands stand; counting first, because most runs have few and many have none."""
    places = []
    for key in (TICK_KEY, COMMAND_KEY):
        start = 0
        for _ in range(keys.count(key)):
            places.append(keys.index(key, start))
            start = places[-1] + 1
    return sorted(places)


def read_command(record: Record) -> Order | Reject:
    """Return the command that a record carries, whatever its key, or why it carries none."""
    value = record.value or b""
    if len(value) > COMMAND_BYTES_MAX:
        return Reject(record, "too-large", f"command: {len(value)} bytes, at most {COMMAND_BYTES_MAX}")
    try:
        return Command.model_validate_json(value).root
    except ValidationError as error:
        return Reject(record, "invalid", f"command: {_first_fault(error)}")


def _first_fault(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": ")


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
    values = np.full((n, COUNT), ABSENT, dtype=np.float64)
    for source, target in _READING_COLUMNS:
        column = columns[source]
        # Most devices measure few signals: a column that begins and ends absent is likely absent as a whole.
        if column[0] is column[-1] is ABSENT and column.count(ABSENT) == n:
            continue
        try:
            values[:, target] = np.fromiter(column, np.float64, n)
        except TypeError:
            values[:, target] = column  # None becomes NaN
    for source, target, levels in _CHARTED_COLUMNS:
        column = columns[source]
        if column.count(UNSET) < n:
            values[:, target] = [levels[level] for level in column]
    return Frames(
        patient=list(columns[0]),
        device=list(columns[1]),
        boot=_whole_numbers(columns[2]),
        seq=np.fromiter(columns[3], np.int64, n),
        event_ts_ms=np.fromiter(columns[4], np.int64, n),
        interval_ms=_whole_numbers(columns[5]),
        append_ts_ms=np.array([record.timestamp for record in records], dtype=np.int64),
        offset=_offsets(records),
        values=values,
    )


def _whole_numbers(column: tuple[int, ...]) -> NDArray[np.int64]:
    """Return a column that often holds one number over and over."""
    n = len(column)
    if column[0] == column[-1] and column.count(column[0]) == n:
        return np.full(n, column[0], dtype=np.int64)
    return np.array(column, dtype=np.int64)


def _offsets(records: Sequence[Record]) -> NDArray[np.int64]:
    first, last = records[0].offset, records[-1].offset
    if last - first + 1 == len(records):  # the log counts up: none is missing in between
        return np.arange(first, last + 1, dtype=np.int64)
    return np.array([record.offset for record in records], dtype=np.int64)
