"""Records of one partition into columns by compiled code; what is no plain frame goes to the decoder that judges it.

`streams.decoding.decoder` says what a frame is; here the frames that are written as nearly all are, of patients and
devices who are known, are read 5 times as fast and without an object each. A property test holds the two together.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.kernels.frame_json import (
    APPEND_TS_MS,
    BOOT,
    DEVICE,
    DIGITS_MAX,
    EVENT_TS_MS,
    FLAG,
    INTERVAL_MS,
    LEVEL,
    NAME_BYTES,
    NUMBER,
    OFFSET,
    PATIENT,
    PLAIN,
    ROWS,
    SEQ,
    SIGNAL,
    WHOLE,
    Form,
    parse,
)
from clinical.vitals import ACVPU, COUNT, FLAGS, INDEX, SIGNALS
from streams.contracts.frame import EVENT_TS_MS_MAX, FRAME_BYTES_MAX, INTERVAL_MS_MAX, SEQ_MAX, VALUE_ABS_MAX
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.decoding.decoded import Decoded, Frames, Record
from streams.decoding.decoder import IDENTIFIERS_MAX, Decoder, divided
from streams.decoding.name_column import NameColumn
from streams.decoding.numbered_names import Names
from streams.decoding.raw_records import RawRecords
from streams.decoding.wire_frames import WireFrame

MEMBERS: Final = (
    *("patient", "device", "boot", "seq", "event_ts_ms", "interval_ms"),
    *(signal.name for signal in SIGNALS),
)
"""Of a frame, in the order that `clinical.kernels.frame_json` gives them numbers."""


_BOUNDS: Final = {
    "boot": (0, SEQ_MAX),
    "seq": (0, SEQ_MAX),
    "event_ts_ms": (0, EVENT_TS_MS_MAX),
    "interval_ms": (1, INTERVAL_MS_MAX),
}


def _member(name: str) -> list[int]:
    """Return what compiled code knows of a member."""
    words = np.frombuffer(name.encode().ljust(NAME_BYTES, b"\0"), np.int64)
    kind = LEVEL if name == "consciousness" else FLAG if name in FLAGS else NUMBER if name in INDEX else WHOLE
    return [*words.tolist(), len(name), kind, *_BOUNDS.get(name, (0, 0))]


_KNOWN: Final = np.array([_member(name) for name in MEMBERS], np.int64)
_LEVELS: Final = np.array([ord(level) for level in ACVPU], np.int64)
_POWERS: Final = np.array([float(10**k) for k in range(DIGITS_MAX + 1)])
_FORM: Final[Form] = (
    *(_KNOWN.ctypes.data, len(_KNOWN), VALUE_ABS_MAX, _LEVELS.ctypes.data, _POWERS.ctypes.data),
)
_INTERVAL_MS: Final[int] = WireFrame.__struct_defaults__[0]
"""Of a frame that names none."""


class CompiledDecoder:
    """Decodes runs of records, and learns from them what makes the next ones cheaper; see `Decoder`."""

    def __init__(self, seals: Seals = DEVELOPMENT, with_copies: bool = False) -> None:
        self._judge = Decoder(seals, with_copies)
        self._patients, self._devices = Names(), Names()
        self._guesses = np.zeros(len(MEMBERS) + 1, np.int64)
        self._to_guesses = self._guesses.ctypes.data
        self._learn(0)

    def _learn(self, signals: int) -> None:
        """Have columns for these signals, as bits."""
        self._signals, self._carried = signals, _places(signals)
        self._columns = np.full(len(MEMBERS), -1, np.int64)
        self._columns[SIGNAL + self._carried] = np.arange(len(self._carried))
        self._to_columns = self._columns.ctypes.data

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Return the records as columns, ticks, commands, answers about wards, and rejects."""
        if not len(records):
            return Decoded()
        raw = records if isinstance(records, RawRecords) else RawRecords.of(records)
        frames, is_plain = self._plain(raw)
        if is_plain is None:
            return Decoded([frames])
        decoded = self._judge.decode([records[i] for i in np.flatnonzero(~is_plain).tolist()])
        others = [part for part in decoded.parts if not isinstance(part, Frames)]
        judged = [self._numbered(part) for part in decoded.parts if isinstance(part, Frames)]
        if judged:
            frames = Frames.joined([frames, *judged]) if len(frames) else Frames.joined(judged)
            frames = frames.take(frames.offset.argsort(kind="stable"))
        decoded.parts = divided(frames, others)
        if len(self._patients) + len(self._devices) > IDENTIFIERS_MAX:
            self._patients, self._devices = Names(), Names()
        return decoded

    def _plain(self, raw: RawRecords) -> tuple[Frames, NDArray[np.bool_] | None]:
        """Return the plain frames, and which of the records they are, None = all."""
        n = len(raw)
        whole = np.empty((ROWS, n), np.int64)
        while True:
            values = np.empty((n, len(self._carried)))
            came, count = parse(
                *(raw.array, raw.places, self._patients.table, self._devices.table, _FORM),
                *(self._to_columns, self._to_guesses, _INTERVAL_MS, FRAME_BYTES_MAX),
                *(whole, values),
            )
            came >>= SIGNAL
            if came | self._signals == self._signals:
                break
            self._learn(came | self._signals)
        carried = self._carried
        if came != self._signals:
            carried = _places(came)
            values = values.take(self._columns[SIGNAL + carried], axis=1)
        frames = Frames(
            NameColumn(self._patients, whole[PATIENT]),
            NameColumn(self._devices, whole[DEVICE]),
            *(whole[BOOT], whole[SEQ], whole[EVENT_TS_MS], whole[INTERVAL_MS]),
            *(whole[APPEND_TS_MS], whole[OFFSET], values, carried),
        )
        if count == n:
            return frames, None
        is_plain = whole[PLAIN] == 1
        return frames.take(is_plain), is_plain

    def _numbered(self, frames: Frames) -> Frames:
        """Return frames with names as numbers, from which on compiled code knows them."""
        frames.patient = self._patients.column(frames.patient)
        frames.device = self._devices.column(frames.device)
        return frames


def _places(bits: int) -> NDArray[np.int64]:
    """Return which signals some bits stand for, (k,), rising."""
    return np.array([i for i in range(COUNT) if bits >> i & 1], np.int64)
