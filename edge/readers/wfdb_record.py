"""WFDB numerics records (`.hea` with its signal files), through the optional package `wfdb`.

Numerics are values that a monitor has computed, at most a few a second; waveforms are left out. Signals go by their
names and units, as in MIMIC; 0 and an invalid sample mean that there is no reading. A frame of several samples of a
signal is the mean of those that are there. A record of segments is read segment by segment, each with its own
names, units and gains.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from clinical.vitals import INDEX, PERIODIC
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import SECOND_MS, RecordedFrame, Recording, Signals, check
from edge.readers.signal_names import Chosen, choose
from edge.readers.units import snap
from streams.contracts.frame import INTERVAL_MS_MAX, VALUE_ABS_MAX
from streams.errors import BadData, UnknownRecording, UsageError

NUMERICS_HZ_MAX: Final = 4.0
WHOLE_SECOND_TOLERANCE: Final = 1e-4
"""Headers write one a minute as 0.0166667 Hz: a period this close to whole seconds is whole seconds."""


class Segment(Protocol):
    """What is used of a `wfdb.Record`; one that stands alone is its own only segment."""

    sig_name: Sequence[str]
    units: Sequence[str]
    adc_gain: Sequence[float]
    samps_per_frame: Sequence[int]
    e_p_signal: Any
    """Values in physical units, one array a signal, `samps_per_frame` of them a frame; NaN = invalid."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment with its first frame's number and what is read of it."""

    first: int
    segment: Segment
    chosen: Chosen


def open_wfdb(path: Path, notation: Notation = PLAIN) -> Recording:
    """Open the record whose header is `path`.

    Raises:
        UsageError: the package `wfdb` is not installed.
        BadData: it cannot be read.
        UnknownRecording: it holds waveforms, or no vital sign that Vigil knows.
    """
    try:
        import wfdb
    except ImportError:
        raise UsageError(
            f"{path}: WFDB records need the extra 'wfdb': .venv/bin/python -m pip install 'wfdb>=4.1,<5'"
        ) from None
    header = _ask(path, wfdb.rdheader)
    if not header.fs or header.fs > NUMERICS_HZ_MAX:
        raise UnknownRecording(
            f"{path}: {header.fs} Hz: holds waveforms; numerics have at most {NUMERICS_HZ_MAX:g} Hz"
        )
    return from_record(path, _ask(path, wfdb.rdrecord, m2s=False, smooth_frames=False), notation)


def _ask(path: Path, read: Any, **how: bool) -> Any:
    try:
        return read(str(path.with_suffix("")), **how)
    except Exception as error:  # wfdb lets every kind of error out of a damaged record
        raise BadData(f"{path}: not a WFDB record: {error}") from None


def from_record(path: Path, record: Any, notation: Notation = PLAIN) -> Recording:
    """Make a recording of a WFDB record that has been read, one or of segments.

    Raises:
        BadData: a value is larger than any reading.
        UnknownRecording: no signal is known.
    """
    parts = [Part(first, segment, _chosen(segment, record.fs)) for first, segment in _segments(record)]
    if not any(part.chosen.known for part in parts):
        names = dict.fromkeys(name for part in parts for name in part.segment.sig_name)
        raise UnknownRecording(f"{path}: no known vital sign among {', '.join(names)[:200]}")
    left_out = dict.fromkeys(name for part in parts for name in part.chosen.left_out)
    period_ms = period_of(record.fs)

    def read() -> Iterator[RecordedFrame]:
        for part in parts:
            yield from _frames(path, part, period_ms)

    return check(
        path,
        "WFDB numerics",
        read,
        min(INTERVAL_MS_MAX, max(1, round(period_ms))),
        notes=Chosen((), tuple(left_out)).notes(path),
        zero_ms=_zero_ms(getattr(record, "base_datetime", None), notation),
    )


def _segments(record: Any) -> Iterator[tuple[int, Segment]]:
    """Yield each segment that holds samples, with the number of its first frame."""
    if not hasattr(record, "segments"):
        yield 0, record
        return
    first = 0
    for segment, length in zip(record.segments, record.seg_len, strict=True):
        if segment is not None and length:  # neither a pause nor the layout
            yield first, segment
        first += int(length)


def _chosen(segment: Segment, frames_hz: float) -> Chosen:
    """Choose among the signals of a segment; what comes too often for numerics is a waveform."""
    names = [
        name.strip() if samples * frames_hz <= NUMERICS_HZ_MAX else f"{name.strip()} (a waveform)"
        for name, samples in zip(segment.sig_name, segment.samps_per_frame, strict=True)
    ]
    return choose(zip(names, segment.units, strict=True))


def _frames(path: Path, part: Part, period_ms: float) -> Iterator[RecordedFrame]:
    segment = part.segment
    readers = [(one, segment.samps_per_frame[one.place]) for one in part.chosen.known]
    frames = len(segment.e_p_signal[0]) // segment.samps_per_frame[0]
    for number in range(frames):
        signals: Signals = {}
        for one, samples in readers:
            held = segment.e_p_signal[one.place][number * samples : (number + 1) * samples].tolist()
            displayed = [
                snap(value, segment.adc_gain[one.place], one.unit) for value in held if math.isfinite(value)
            ]
            if there := [value for value in displayed if value]:
                value = one.unit.convert(sum(there) / len(there))
                if abs(value) > VALUE_ABS_MAX:
                    where = f"sample {part.first + number}"
                    raise BadData(f"{path}: {where}: {one.signal} {value:g} is larger than any reading")
                signals[one.signal] = value
            elif displayed or PERIODIC[INDEX[one.signal]]:
                signals[one.signal] = None
        yield RecordedFrame(round((part.first + number) * period_ms), signals)


def _zero_ms(begins: datetime | None, notation: Notation) -> int | None:
    return None if begins is None else round(begins.replace(tzinfo=notation.zone).timestamp() * SECOND_MS)


def period_of(frequency_hz: float) -> float:
    """Return the time between two samples in ms."""
    period_s = 1.0 / frequency_hz
    whole_s = round(period_s)
    if whole_s and abs(period_s - whole_s) <= whole_s * WHOLE_SECOND_TOLERANCE:
        period_s = whole_s
    return period_s * SECOND_MS
