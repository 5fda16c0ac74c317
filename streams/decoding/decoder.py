"""Records of one partition into columns: the live lane's decoder.

Accepts and rejects exactly what `streams.contracts.frame.Frame` does (a property test holds the two together), several
times faster and without an object a reading. A record that is no frame becomes a `Reject`; its neighbours stay.
"""

import re
from collections.abc import Callable, Sequence
from itertools import compress
from struct import error as PackError
from struct import pack
from typing import Annotated, Final, TypeVar, cast

import msgspec
import numpy as np
from msgspec import UNSET, Meta
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from clinical.comparators import COMPARATORS
from clinical.vitals import ABSENT, INDEX
from streams.contracts.association import LEFT_KEY, Departure
from streams.contracts.association import RECORD_BYTES_MAX as DEPARTURE_BYTES_MAX
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import EVENT_TS_MS_MAX, FRAME_BYTES_MAX, ID_PATTERN, STREAM_PATTERN, TICK_KEY
from streams.contracts.partition_alerts import NOTE_BYTES_MAX, NOTE_KEY, Note
from streams.contracts.rules_marks import MARK_BYTES_MAX, MARK_KEY, Marked, RulesMark
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.contracts.ward import RECORD_BYTES_MAX, RULING_KEY, WardRuling
from streams.decoding.decoded import (
    Bounds,
    Decoded,
    Frames,
    Left,
    Noted,
    Other,
    Part,
    PlacedCommand,
    Record,
    Reject,
    Ruled,
    Tick,
    Unproved,
)
from streams.decoding.sealed import first_fault, opened, read_placed
from streams.decoding.wire_frames import (
    CARRIED,
    CHARTED,
    READINGS,
    RefiledFrame,
    WireFrame,
    decode_refiled,
    decoder_of,
)

Model = TypeVar("Model", bound=BaseModel)


class _WireTick(msgspec.Struct, forbid_unknown_fields=True):
    tick_ts_ms: Annotated[int, Meta(ge=0, le=EVENT_TS_MS_MAX)]


_decode_tick = msgspec.json.Decoder(_WireTick).decode
_id_form = re.compile(ID_PATTERN).fullmatch
_stream_form = re.compile(STREAM_PATTERN).fullmatch

IDENTIFIERS_MAX: Final = 500_000
"""Bound on the identifiers that a decoder knows to have the right form; beyond it it learns them anew."""

_FAULTS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Decoder:
    """Decodes runs of records, and learns from them what makes the next ones cheaper.

    It knows keys and devices whose form is right, to look at each of them once, and which signals have come: of
    many that there are, a ward's devices measure few.

    Args:
        seals: believed of commands.
        with_copies: whether frames that were filed afterwards come too, which are kept and not judged.
    """

    def __init__(self, seals: Seals = DEVELOPMENT, with_copies: bool = False) -> None:
        self._seals, self._with_copies = seals, with_copies
        self._patients: dict[bytes | None, str] = {}
        self._devices: dict[str, str] = {}
        self._signals: tuple[str, ...] = ()

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Return the records as columns, ticks, commands, answers about wards, and rejects."""
        keys = [record.key for record in records]
        known = self._known(keys)
        others: list[Other] = []
        rejects: list[Reject] = []
        notes, marks = list[Noted](), list[Marked]()
        copies: list[Record] = []
        if places := _places(keys, known):
            for at in places:
                other = _OTHERS[keys[at]](records[at], self._seals)
                if isinstance(other, Reject):
                    rejects.append(other)
                    if other.reason == "unproven-command":
                        others.append(Unproved(other.record.offset))
                elif isinstance(other, Noted):
                    notes.append(other)
                elif isinstance(other, Marked):
                    marks.append(other)
                else:
                    others.append(other)
            left = bytearray(b"\1") * len(records)
            for at in places:
                left[at] = False
            records, keys = list(compress(records, left)), list(compress(keys, left))
            known = list(compress(known, left))
        frames = self._frames(records, keys, known, rejects, copies)
        rejects.sort(key=lambda reject: reject.record.offset)
        return Decoded(divided(frames, others), rejects, notes, marks, len(copies))

    def _frames(
        self,
        records: Sequence[Record],
        keys: Sequence[bytes | None],
        known: list[str | None],
        rejects: list[Reject],
        copies: list[Record],
    ) -> Frames | None:
        """Decode records that should be frames; `known` are the patients of their keys. None = none is to be judged."""
        if not records:
            return None
        names = None
        try:  # almost always every record is a frame
            values = [record.value for record in records]
            plain = list(map(decoder_of(self._signals), values))  # type: ignore[arg-type]
            if max(map(len, values)) <= FRAME_BYTES_MAX:  # type: ignore[arg-type]
                names = self._names(keys, known, plain)
        except (*_FAULTS, TypeError):
            names = None
        if names is not None:
            return _columns(records, plain, self._signals, *names)
        records, frames = self._one_by_one(records, rejects, copies)
        if not frames:
            return None
        keys = [record.key for record in records]
        names = self._names(keys, self._known(keys), frames)
        assert names is not None  # each of them was looked at: nothing may be left out silently
        found = _columns(records, frames, CARRIED, *names)
        found.bounds = _bounds(frames, found.carried)
        self._learn(found)
        return found

    def _learn(self, frames: Frames) -> None:
        """Take note of the signals that frames carry, besides those that are known."""
        come = set(frames.carried.tolist()).union(INDEX[signal] for signal in self._signals)
        self._signals = tuple(signal for signal in CARRIED if INDEX[signal] in come)

    def _known(self, keys: Sequence[bytes | None]) -> list[str | None]:
        """Return the patient of each key, None where it is not known."""
        return list(map(self._patients.get, keys))

    def _names(
        self, keys: Sequence[bytes | None], known_patients: list[str | None], frames: Sequence[WireFrame]
    ) -> tuple[list[str], list[str]] | None:
        """Return patients and devices if all keys equal the patient inside and all identifiers have the right form.

        They are the same objects each time, whose hash is known and which compare at once.
        """
        patients, devices = [frame.patient for frame in frames], [frame.device for frame in frames]
        known_devices = list(map(self._devices.get, devices))
        if not (all(known_patients) and all(known_devices)):
            if len(self._patients) + len(self._devices) + 2 * len(frames) > IDENTIFIERS_MAX:
                self._patients.clear()
                self._devices.clear()
            for i in _strangers(known_patients):
                if keys[i] != patients[i].encode() or not _stream_form(patients[i]):
                    return None
                known_patients[i] = self._patients.setdefault(keys[i], patients[i])
            for i in _strangers(known_devices):
                if not _id_form(devices[i]):
                    return None
                known_devices[i] = self._devices.setdefault(devices[i], devices[i])
        if known_patients != patients:
            return None
        return cast(list[str], known_patients), cast(list[str], known_devices)

    def _one_by_one(
        self, records: Sequence[Record], rejects: list[Reject], copies: list[Record]
    ) -> tuple[list[Record], list[RefiledFrame]]:
        kept: list[Record] = []
        frames: list[RefiledFrame] = []
        for record in records:
            outcome = _judge_record(record)
            if isinstance(outcome, Reject):
                rejects.append(outcome)
                continue
            if outcome.refiled:
                copies.append(record)
            if self._with_copies or not outcome.refiled:
                kept.append(record)
                frames.append(outcome)
        return kept, frames


def _strangers(known: Sequence[str | None]) -> list[int]:
    return [i for i, name in enumerate(known) if name is None]


def _places(keys: Sequence[bytes | None], known: Sequence[str | None]) -> list[int]:
    """Return where other records than frames stand: few, and never under the key of a patient who is known."""
    if all(known):
        return []
    return [i for i in _strangers(known) if keys[i] in _OTHERS]


def divided(frames: Frames | None, others: Sequence[Other]) -> list[Part]:
    """Return frames in the stretches between what else came, all in log order."""
    if frames is None:
        return list(others)
    parts: list[Part] = []
    start = 0
    for other in others:
        end = int(frames.offset.searchsorted(other.offset))
        if end > start:
            parts.append(frames.take(slice(start, end)))
        parts.append(other)
        start = end
    if start < len(frames):
        parts.append(frames.take(slice(start, None)))
    return parts


def read_tick(record: Record) -> Tick | Reject:
    """Return the tick that a record carries, or why it carries none."""
    try:
        tick = _decode_tick(record.value or b"")
    except _FAULTS as error:
        return Reject(record, "invalid", f"tick: {error}")
    return Tick(record.offset, tick.tick_ts_ms, record.timestamp)


def _read_ruling(record: Record, seals: Seals) -> Ruled | Reject:
    """Return what a sealed answer about a ward says."""
    ruling = _opened_as(WardRuling, "ward", record, seals, RECORD_BYTES_MAX)
    return ruling if isinstance(ruling, Reject) else Ruled(record.offset, ruling.ward, ruling.lost)


def _read_departure(record: Record, seals: Seals) -> Left | Reject:
    """Return what a sealed departure says."""
    departure = _opened_as(Departure, "left", record, seals, DEPARTURE_BYTES_MAX)
    return departure if isinstance(departure, Reject) else Left(record.offset, record.timestamp, departure)


def _read_mark(record: Record, seals: Seals) -> Marked | Reject:
    """Return from where on a sealed mark says that other rules hold."""
    mark = _opened_as(RulesMark, "rules", record, seals, MARK_BYTES_MAX)
    return mark if isinstance(mark, Reject) else Marked(record.offset, record.timestamp, mark)


def _opened_as(model: type[Model], name: str, record: Record, seals: Seals, bytes_max: int) -> Model | Reject:
    """Return what a sealed record says as a model of it, or why it says nothing; `name` is for the refusal."""
    found = opened(record, seals, bytes_max)
    if isinstance(found, Reject):
        return found
    try:
        return model.model_validate_json(found[1])
    except ValidationError as error:
        return Reject(record, "invalid", f"{name}: {first_fault(error)}")


def read_note(record: Record, seals: Seals) -> Noted | Reject:
    """Return the note about a partition that a sealed record carries, or why it carries none."""
    note = _opened_as(Note, "note", record, seals, NOTE_BYTES_MAX)
    return note if isinstance(note, Reject) else Noted(record.timestamp, note)


_Read = Callable[[Record, Seals], Tick | PlacedCommand | Unproved | Ruled | Left | Noted | Marked | Reject]
_OTHERS: Final[dict[bytes | None, _Read]] = {
    TICK_KEY: lambda record, _: read_tick(record),
    COMMAND_KEY: read_placed,
    RULING_KEY: _read_ruling,
    LEFT_KEY: _read_departure,
    MARK_KEY: _read_mark,
    NOTE_KEY: read_note,
}
"""What else than frames stands in the readings, by its key."""


def _judge_record(record: Record) -> RefiledFrame | Reject:
    if record.value is None:
        return Reject(record, "empty", "no value")
    if len(record.value) > FRAME_BYTES_MAX:
        return Reject(record, "too-large", f"{len(record.value)} bytes, at most {FRAME_BYTES_MAX}")
    try:
        frame = decode_refiled(record.value)
    except msgspec.ValidationError as error:
        return Reject(record, "invalid", str(error))
    except _FAULTS as error:
        return Reject(record, "not-json", str(error))
    if not _stream_form(frame.patient):
        return Reject(record, "invalid", f"patient does not match {STREAM_PATTERN}")
    if not _id_form(frame.device):
        return Reject(record, "invalid", f"device does not match {ID_PATTERN}")
    if record.key is None:
        return Reject(record, "null-key", "the record's key must be the patient")
    if record.key != frame.patient.encode():
        return Reject(record, "key-mismatch", "the record's key differs from the patient inside")
    return frame


def _columns(
    records: Sequence[Record],
    frames: Sequence[WireFrame],
    signals: Sequence[str],
    patients: list[str],
    devices: list[str],
) -> Frames:
    """Return the frames as columns; `signals` are those that they may carry."""
    n = len(frames)
    form = f"{n}d"
    found: dict[int, Sequence[float | None] | NDArray[np.float64]] = {}
    for signal in signals:
        if signal in CHARTED:
            column, levels = CHARTED[signal]
            charted = column(frames)
            if charted.count(UNSET) < n:
                found[INDEX[signal]] = [levels[level] for level in charted]
            continue
        readings = READINGS[signal](frames)
        # One patient's devices measure fewer: a column that begins and ends absent is likely absent as a whole.
        if readings[0] is readings[-1] is ABSENT and readings.count(ABSENT) == n:
            continue
        try:  # takes half the time of an array of the list
            found[INDEX[signal]] = np.frombuffer(pack(form, *readings))
        except PackError:
            found[INDEX[signal]] = readings  # None becomes NaN
    carried = sorted(found)
    values = np.empty((n, len(carried)))
    for place, number in enumerate(carried):
        values[:, place] = found[number]
    return Frames(
        patient=patients,
        device=devices,
        boot=_whole_numbers([frame.boot for frame in frames]),
        seq=np.fromiter([frame.seq for frame in frames], np.int64, n),
        event_ts_ms=np.fromiter([frame.event_ts_ms for frame in frames], np.int64, n),
        interval_ms=_whole_numbers([frame.interval_ms for frame in frames]),
        append_ts_ms=np.array([record.timestamp for record in records], dtype=np.int64),
        offset=_offsets(records),
        values=values,
        carried=np.array(carried, dtype=np.int64),
    )


def _bounds(frames: Sequence[RefiledFrame], carried: NDArray[np.int64]) -> Bounds | None:
    """Return what frames say in place of values; None = nothing."""
    if not any(frame.bounds for frame in frames):
        return None
    places = {number: place for place, number in enumerate(carried.tolist())}
    found = Bounds(np.zeros((len(frames), len(carried)), np.uint8), np.zeros((len(frames), len(carried))))
    for i, frame in enumerate(frames):
        for name, bound in (frame.bounds or {}).items():
            at = i, places[INDEX[name]]
            found.comparator[at], found.limit[at] = COMPARATORS.index(bound.comparator), bound.value
    return found


def _whole_numbers(column: list[int]) -> NDArray[np.int64]:
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
