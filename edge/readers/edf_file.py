"""EDF, EDF+ and BDF files (`.edf`, `.bdf`): what a monitor computed, at most a few times a second.

Every sample has the time of its data record, which in EDF+ each record says for itself, also where there are gaps.
Read here with NumPy, because the packages for EDF refuse discontinuous files or close their gaps without a word, and
return samples that are none as readings. The formats cannot say that a sample is missing: what lies at the physical
minimum or outside the range of codes is no reading, and of the last data record neither are the zeros at its end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from clinical.vitals import INDEX, PERIODIC, SIGNALS
from edge.readers.edf_annotations import Annotation, annotation_notes, read_annotations
from edge.readers.edf_header import EdfHeader, EdfSignal, number, read_header, whole
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import SECOND_MS, RecordedFrame, Recording, Signals, check
from edge.readers.signal_names import Chosen, Known, bare, choose, signal_named
from edge.readers.units import snap
from streams.contracts.frame import EVENT_TS_MS_MAX, INTERVAL_MS_MAX, VALUE_ABS_MAX
from streams.errors import BadData, UnknownRecording

SUFFIXES: Final = frozenset({".edf", ".EDF", ".bdf", ".BDF"})
SAMPLES_HZ_MAX: Final = 4.0
"""What comes more often is a waveform."""

LABELS: Final = {
    "sao2": "spo2",
    "sao2finger": "spo2",
    "sao2ear": "spo2",
    "temprectal": "temp",
    "pr": "pulse",
    "pulserate": "pulse",
    "heartrate": "hr",
    "resprate": "resp",
    "respirationrate": "resp",
}
"""Labels in EDF files besides the names that monitors use: those of EDF+ itself, and of polygraphs."""

BREATHING: Final = "resp"
"""EDF+'s label of the course of breathing, which is no rate: the signal's unit must say that it is one."""

BLOCK_BYTES: Final = 4 << 20
"""So much is read at a time, at least one data record."""


@dataclass(frozen=True, slots=True)
class Column:
    """A signal that is read: its readings in Vigil's unit (None = none), the last `padding` behind the end."""

    known: Known
    samples: int
    readings: list[float | None]
    padding: int


@dataclass(frozen=True, slots=True)
class Scale:
    """How the codes of a signal become physical values."""

    low: float
    digital_low: int
    digital_high: int
    gain: float
    """Codes a unit; negative where the signal is stored upside down."""

    def value(self, code: int) -> float:
        """Return the physical value of a code."""
        return self.low + (code - self.digital_low) / self.gain


def open_edf(path: Path, notation: Notation = PLAIN) -> Recording:
    """Open a file; its start is in the zone of `notation`.

    Raises:
        BadData: it is damaged or cut short; names the place.
        UnknownRecording: it holds no vital sign that Vigil knows.
    """
    with path.open("rb") as file:
        header = read_header(path, file)
        chosen = _chosen(header)
        if not chosen.known:
            labels = ", ".join(one.label for one in header.signals)
            raise UnknownRecording(f"{path}: no known vital sign among {labels[:200]}")
        scales = [_scale(path, one, header.signals[one.place]) for one in chosen.known]
        codes, annotated = _read_records(path, file, header, chosen.known)
    onsets_s, annotations = _onsets(path, header, annotated)
    notes = [*chosen.notes(path)]
    columns = []
    for known, scale, held in zip(chosen.known, scales, codes, strict=True):
        column = _column(path, header, known, scale, held)
        columns.append(column)
        notes += _missing_notes(path, known, scale, held, column.padding)
    shortest_ms = min(header.record_s / one.samples for one in columns) * SECOND_MS
    _check_times(path, header, onsets_s, shortest_ms)
    notes += _gap_notes(path, header, onsets_s, shortest_ms)

    def read() -> Iterator[RecordedFrame]:
        return _frames(columns, onsets_s, header.record_s)

    return check(
        path,
        f"{header.kind}{'+' if header.plus else ''}",
        read,
        min(INTERVAL_MS_MAX, max(1, round(shortest_ms))) if shortest_ms else None,
        notes=(*notes, *annotation_notes(path, annotations)),
        zero_ms=header.zero_ms(notation.zone),
    )


def _chosen(header: EdfHeader) -> Chosen:
    """Choose among the signals; places are those in the header."""
    annotations = (header.annotation_label,) if header.plus else ()
    named = [
        (one.label if one.label in annotations else _name(one, header.record_s), one.unit)
        for one in header.signals
    ]
    return choose(named, annotations, lambda name: LABELS.get(bare(name)) or signal_named(name))


def _name(signal: EdfSignal, record_s: float) -> str:
    """Return the label, with the reason behind it why a signal holds no numerics."""
    if not signal.samples:
        return f"{signal.label} (without samples)"
    if signal.samples > (SAMPLES_HZ_MAX * record_s or 1):
        return f"{signal.label} (a waveform)"
    if bare(signal.label) == BREATHING and not signal.unit:
        return f"{signal.label} (without a unit)"
    return signal.label


def _scale(path: Path, known: Known, signal: EdfSignal) -> Scale:
    place = f"header: signal {known.place + 1} ({signal.label}):"
    low, high = (number(path, f"{place} a physical limit", text) for text in signal.physical)
    digital_low, digital_high = (whole(path, f"{place} a digital limit", text) for text in signal.digital)
    if digital_low >= digital_high or low == high:
        ranges = f"{low:g} to {high:g} in the codes {digital_low} to {digital_high}"
        raise BadData(f"{path}: {place} a range that is none: {ranges}")
    return Scale(low, digital_low, digital_high, (digital_high - digital_low) / (high - low))


def _read_records(
    path: Path, file: BinaryIO, header: EdfHeader, known: Sequence[Known]
) -> tuple[list[NDArray[np.int32]], list[tuple[bytes, ...]]]:
    """Return each known signal's codes of all data records, and each record's bytes of annotations."""
    signals = [header.signals[one.place] for one in known]
    annotation = [one for one in header.signals if header.plus and one.label == header.annotation_label]
    width = header.sample_bytes
    codes: list[list[NDArray[np.int32]]] = [[] for _ in signals]
    annotated: list[tuple[bytes, ...]] = []
    at_once = max(1, BLOCK_BYTES // header.record_bytes)
    for first in range(0, header.records, at_once):
        count = min(at_once, header.records - first)
        block = file.read(count * header.record_bytes)
        if len(block) < count * header.record_bytes:
            record = first + len(block) // header.record_bytes + 1
            raise BadData(f"{path}: cut short in data record {record}, while it was read")
        rows = np.frombuffer(block, np.uint8).reshape(count, header.record_bytes)
        for one, found in zip(signals, codes, strict=True):
            found.append(_codes(rows[:, one.begins : one.begins + one.samples * width], width))
        for row in rows if annotation else ():
            annotated.append(
                tuple(row[one.begins : one.begins + one.samples * width].tobytes() for one in annotation)
            )
    return [np.concatenate(found) if found else np.zeros(0, np.int32) for found in codes], annotated


def _codes(raw: NDArray[np.uint8], width: int) -> NDArray[np.int32]:
    """Return the numbers, `width` bytes each, that the rows hold: the lowest byte first, the highest with the sign."""
    parts = raw.reshape(-1, width).astype(np.int32)
    found = parts[:, -1].astype(np.int8).astype(np.int32)
    for place in range(width - 2, -1, -1):
        found = found * 256 + parts[:, place]
    return found


def _onsets(
    path: Path, header: EdfHeader, annotated: Sequence[tuple[bytes, ...]]
) -> tuple[list[float], list[Annotation]]:
    """Return when each data record begins, in s after the start of the file, and all annotations."""
    if not header.plus:
        return [record * header.record_s for record in range(header.records)], []
    if header.records and not annotated:
        raise BadData(f"{path}: header: {header.kind}+ without a signal {header.annotation_label!r}")
    onsets_s, annotations = [], []
    for record, parts in enumerate(annotated, 1):
        onset_s, found = read_annotations(path, record, parts)
        onsets_s.append(onset_s)
        annotations += found
    return onsets_s, annotations


def _check_times(path: Path, header: EdfHeader, onsets_s: Sequence[float], shortest_ms: float) -> None:
    """Hold each data record to begin after the last sample of the one before it."""
    begins_ms = np.asarray(onsets_s) * SECOND_MS
    lasts_ms = begins_ms + header.record_s * SECOND_MS - shortest_ms
    if len(begins_ms) and begins_ms[0] < 0:
        raise BadData(f"{path}: data record 1: begins before the file, at {onsets_s[0]:g} s")
    back = np.flatnonzero(np.rint(begins_ms[1:]) <= np.rint(lasts_ms[:-1]))
    if len(back):
        record = int(back[0])
        raise BadData(
            f"{path}: data record {record + 2}: time runs back: it begins at {onsets_s[record + 1]:g} s, the one "
            f"before at {onsets_s[record]:g} s and lasts {header.record_s:g} s"
        )
    if len(lasts_ms) and lasts_ms[-1] > EVENT_TS_MS_MAX:
        raise BadData(f"{path}: data record {len(lasts_ms)}: {onsets_s[-1]:g} s is too far off to be a time")


def _gap_notes(path: Path, header: EdfHeader, onsets_s: Sequence[float], shortest_ms: float) -> Iterator[str]:
    """Say what gaps there are between the data records, in a file of which that can be said."""
    gaps_s = np.diff(np.asarray(onsets_s)) - header.record_s
    if not shortest_ms or not len(gaps_s):
        return
    wide = gaps_s > shortest_ms / SECOND_MS / 2
    if not wide.any():
        return
    longest = int(np.argmax(gaps_s))
    although = ", though its header says that there are none" if header.plus != "D" else ""
    yield (
        f"{path}: gaps between its data records: {int(wide.sum())}, {gaps_s[wide].sum():g} s in all, the longest "
        f"{gaps_s[longest]:g} s before record {longest + 2}{although}: judged as silence"
    )


def _column(path: Path, header: EdfHeader, known: Known, scale: Scale, held: NDArray[np.int32]) -> Column:
    """Turn codes into readings: each code that occurs is converted once."""
    samples = header.signals[known.place].samples
    distinct, places = np.unique(held, return_inverse=True)
    meanings: list[float | None] = []
    for code in distinct.tolist():
        if not scale.digital_low < code <= scale.digital_high:
            meanings.append(None)
            continue
        reading = known.unit.convert(snap(scale.value(code), scale.gain, known.unit))
        if not abs(reading) <= VALUE_ABS_MAX:
            record = int(np.flatnonzero(held == code)[0]) // samples + 1
            raise BadData(
                f"{path}: data record {record}: {known.signal} {reading:g} is larger than any reading"
            )
        meanings.append(reading)
    return Column(
        known, samples, [meanings[place] for place in places.tolist()], _padding(header, scale, held, samples)
    )


def _padding(header: EdfHeader, scale: Scale, held: NDArray[np.int32], samples: int) -> int:
    """Return how many samples at the end of the last data record were only put there to fill it.

    Writers fill with the code 0 or with the code of the value 0. A record of one sample a signal needs no filling.
    """
    most = max(one.samples for one in header.signals if one.label != header.annotation_label)
    if most == 1:
        return 0
    zero = min(max(scale.digital_low - scale.low * scale.gain, scale.digital_low), scale.digital_high)
    last = held[-samples:]
    return max(_ending(last == 0), _ending(np.abs(last - zero) < 1))  # some round, some cut off


def _ending(true: NDArray[np.bool_]) -> int:
    """Return how many at the end are true."""
    false = np.flatnonzero(~true)
    return len(true) - 1 - int(false[-1]) if len(false) else len(true)


def _missing_notes(
    path: Path, known: Known, scale: Scale, held: NDArray[np.int32], padding: int
) -> Iterator[str]:
    """Say which samples count as none though they could be readings."""
    bounds = SIGNALS[INDEX[known.signal]]
    lowest = known.unit.convert(scale.low)
    there = held[: len(held) - padding]
    at_minimum = int((there == scale.digital_low).sum())
    if at_minimum and bounds.low <= lowest <= bounds.high:
        yield (
            f"{path}: {known.signal}: {at_minimum:,} of {len(held):,} samples lie at the physical minimum, {lowest:g} "
            f"{bounds.unit}, and count as none"
        )
    if outside := int(((there < scale.digital_low) | (there > scale.digital_high)).sum()):
        yield f"{path}: {known.signal}: samples outside the signal's range of codes, which count as none: {outside:,}"
    if padding:
        yield f"{path}: {known.signal}: samples that only fill the last data record and count as none: {padding:,}"


def _frames(columns: Sequence[Column], onsets_s: Sequence[float], record_s: float) -> Iterator[RecordedFrame]:
    """Yield what was recorded moment by moment; behind the recording's end there is nothing."""
    for record, onset_s in enumerate(onsets_s):
        moments: dict[int, Signals] = {}
        for column in columns:
            signal, first = column.known.signal, record * column.samples
            until = min(first + column.samples, len(column.readings) - column.padding)
            for place in range(first, until):
                t_ms = round((onset_s + (place - first) * record_s / column.samples) * SECOND_MS)
                there = moments.setdefault(t_ms, {})
                reading = column.readings[place]
                if reading is not None or PERIODIC[INDEX[signal]]:
                    there[signal] = reading
        for t_ms in sorted(moments):
            yield RecordedFrame(t_ms, moments[t_ms])
