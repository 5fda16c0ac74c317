"""Records of one partition into columns: the live lane's decoder.

Accepts and rejects exactly what `streams.frames.Frame` does (a property test holds the two together), several
times faster and without an object a reading. A record that is no frame becomes a `Reject`; its neighbours stay.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from struct import error as PackError
from struct import pack
from typing import Annotated, Final, Literal, Protocol, cast

import msgspec
import numpy as np
from msgspec import UNSET, Meta
from numpy.typing import NDArray
from pydantic import ValidationError

from clinical.vitals import ABSENT, COUNT, INDEX
from streams.commands import COMMAND_BYTES_MAX, COMMAND_KEY, Command, Order
from streams.frames import EVENT_TS_MS_MAX, FRAME_BYTES_MAX, ID_PATTERN, TICK_KEY
from streams.wire_frames import CARRIED, CHARTED, READINGS, WireFrame, decode_frame, decoder_of


class Record(Protocol):
    """What the decoder reads of a consumed record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class _WireTick(msgspec.Struct, forbid_unknown_fields=True):
    tick_ts_ms: Annotated[int, Meta(ge=0, le=EVENT_TS_MS_MAX)]


_decode_tick = msgspec.json.Decoder(_WireTick).decode
_id_form = re.compile(ID_PATTERN).fullmatch

_IDENTIFIERS_MAX: Final = 500_000
"""Bound on the identifiers that a decoder knows to have the right form; beyond it it learns them anew."""

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
    """Frames as columns, in log order: arrays of shape (n,), `values` of shape (n, carried).

    In `values` -inf is absent and NaN is attached without a reading; a signal that is not `carried` is absent.
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
    carried: NDArray[np.int64]
    """The signals of the columns of `values`, (k,), rising; one that is all absent may be among them."""

    def __len__(self) -> int:
        return len(self.patient)

    def of_all_signals(self, chosen: "NDArray[np.int64] | NDArray[np.bool_] | slice") -> NDArray[np.float64]:
        """Return the values of the chosen frames, (m, signals), absent ones too."""
        values = self.values[chosen]
        wide = np.full((len(values), COUNT), ABSENT)
        wide[:, self.carried] = values
        return wide

    @staticmethod
    def joined(stretches: Sequence["Frames"]) -> "Frames":
        """Return several stretches as one, each behind the one before it; there is at least one."""
        if len(stretches) == 1:
            return stretches[0]
        carried, values = stretches[0].carried, [stretch.values for stretch in stretches]
        if len({stretch.carried.tobytes() for stretch in stretches}) > 1:
            carried = np.array(
                sorted({column for stretch in stretches for column in stretch.carried.tolist()})
            )
            values = [stretch.of_all_signals(slice(None))[:, carried] for stretch in stretches]
        return Frames(
            [patient for stretch in stretches for patient in stretch.patient],
            [device for stretch in stretches for device in stretch.device],
            np.concatenate([stretch.boot for stretch in stretches]),
            np.concatenate([stretch.seq for stretch in stretches]),
            np.concatenate([stretch.event_ts_ms for stretch in stretches]),
            np.concatenate([stretch.interval_ms for stretch in stretches]),
            np.concatenate([stretch.append_ts_ms for stretch in stretches]),
            np.concatenate([stretch.offset for stretch in stretches]),
            np.concatenate(values),
            carried,
        )

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
            self.carried,
        )


@dataclass(slots=True)
class Decoded:
    """A run of records decoded: stretches of frames divided by ticks and commands between them, in log order."""

    parts: list[Frames | Tick | Ordered] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Decoder:
    """Decodes runs of records, and learns from them what makes the next ones cheaper.

    It knows keys and devices whose form is right, to look at each of them once, and which signals have come: of
    many that there are, a ward's devices measure few.
    """

    def __init__(self) -> None:
        self._patients: dict[bytes | None, str] = {}
        self._devices: dict[str, str] = {}
        self._signals: tuple[str, ...] = ()

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Return the records as columns, ticks, commands and rejects."""
        decoded = Decoded()
        keys = [record.key for record in records]
        known = self._known(keys)
        start = 0
        for at in _places(keys, known):
            self._frames(records[start:at], keys[start:at], known[start:at], decoded)
            if keys[at] == TICK_KEY:
                self._tick(records[at], decoded)
            else:
                self._command(records[at], decoded)
            start = at + 1
        self._frames(records[start:] if start else records, keys[start:], known[start:], decoded)
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

    def _frames(
        self,
        records: Sequence[Record],
        keys: Sequence[bytes | None],
        known: list[str | None],
        decoded: Decoded,
    ) -> None:
        """Decode records between ticks and commands; `known` are the patients of their keys."""
        if not records:
            return
        names = None
        try:  # almost always every record is a frame
            values = [record.value for record in records]
            frames = list(map(decoder_of(self._signals), values))  # type: ignore[arg-type]
            if max(map(len, values)) <= FRAME_BYTES_MAX:  # type: ignore[arg-type]
                names = self._names(keys, known, frames)
        except (*_FAULTS, TypeError):
            names = None
        if names is None:
            records, frames = self._one_by_one(records, decoded.rejects)
            if not frames:
                return
            keys = [record.key for record in records]
            names = self._names(keys, self._known(keys), frames)
            assert names is not None  # each of them was looked at: nothing may be left out silently
            part = _columns(records, frames, CARRIED, *names)
            self._learn(part)
        else:
            part = _columns(records, frames, self._signals, *names)
        decoded.parts.append(part)

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
            if len(self._patients) + len(self._devices) + 2 * len(frames) > _IDENTIFIERS_MAX:
                self._patients.clear()
                self._devices.clear()
            for i in _strangers(known_patients):
                if keys[i] != patients[i].encode() or not _id_form(patients[i]):
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
        self, records: Sequence[Record], rejects: list[Reject]
    ) -> tuple[list[Record], list[WireFrame]]:
        kept: list[Record] = []
        frames: list[WireFrame] = []
        for record in records:
            outcome = _judge_record(record)
            if isinstance(outcome, Reject):
                rejects.append(outcome)
            else:
                kept.append(record)
                frames.append(outcome)
        return kept, frames


def _strangers(known: Sequence[str | None]) -> list[int]:
    return [i for i, name in enumerate(known) if name is None]


def _places(keys: Sequence[bytes | None], known: Sequence[str | None]) -> list[int]:
    """Return where ticks and commands stand: few, and never under the key of a patient who is known."""
    if all(known):
        return []
    return [i for i in _strangers(known) if keys[i] in (TICK_KEY, COMMAND_KEY)]


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


def _judge_record(record: Record) -> WireFrame | Reject:
    if record.value is None:
        return Reject(record, "empty", "no value")
    if len(record.value) > FRAME_BYTES_MAX:
        return Reject(record, "too-large", f"{len(record.value)} bytes, at most {FRAME_BYTES_MAX}")
    try:
        frame = decode_frame(record.value)
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
