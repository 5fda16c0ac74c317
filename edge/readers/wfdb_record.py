"""WFDB numerics records (`.hea` with its signal files), through the optional package `wfdb`.

Numerics are values that a monitor has computed, at most a few a second; waveforms are refused. Signals go by
their names, as in MIMIC; 0 and an invalid sample mean that there is no reading.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from clinical.vitals import INDEX, PERIODIC
from edge.readers.mimic import signals_by_column
from edge.readers.recording import SECOND_MS, RecordedFrame, Recording, Signals, check
from streams.errors import BadData, UsageError
from streams.frames import INTERVAL_MS_MAX, VALUE_ABS_MAX

NUMERICS_HZ_MAX: Final = 4.0
WHOLE_SECOND_TOLERANCE: Final = 1e-4
"""Headers write one a minute as 0.0166667 Hz: a period this close to whole seconds is whole seconds."""


class Record(Protocol):
    """What is used of `wfdb.Record`."""

    fs: float
    sig_name: Sequence[str]
    p_signal: Any
    """Values in physical units, shape (samples, signals); NaN = invalid."""


def open_wfdb(path: Path) -> Recording:
    """Open the record whose header is `path`.

    Raises:
        UsageError: the package `wfdb` is not installed.
        BadData: it cannot be read, holds waveforms, or no vital sign that Vigil knows.
    """
    try:
        import wfdb
    except ImportError:
        raise UsageError(
            f"{path}: WFDB records need the extra 'wfdb': .venv/bin/python -m pip install 'wfdb>=4.1,<5'"
        ) from None
    header = _ask(path, wfdb.rdheader)
    if not header.fs or header.fs > NUMERICS_HZ_MAX:
        raise BadData(
            f"{path}: {header.fs} Hz: holds waveforms; numerics have at most {NUMERICS_HZ_MAX:g} Hz"
        )
    return from_record(path, _ask(path, wfdb.rdrecord))


def _ask(path: Path, read: Any) -> Any:
    try:
        return read(str(path.with_suffix("")))
    except Exception as error:  # wfdb lets every kind of error out of a damaged record
        raise BadData(f"{path}: not a WFDB record: {error}") from None


def from_record(path: Path, record: Record) -> Recording:
    """Make a recording of a WFDB record that has been read.

    Raises:
        BadData: no signal is known, or a value is larger than any reading.
    """
    known = signals_by_column([name.strip() for name in record.sig_name])
    names = [known.get(name.strip()) for name in record.sig_name]
    if not known:
        raise BadData(f"{path}: no known vital sign among {', '.join(record.sig_name)[:200]}")
    period_ms = period_of(record.fs)

    def read() -> Iterator[RecordedFrame]:
        for number, sample in enumerate(record.p_signal.tolist()):
            signals: Signals = {}
            for name, value in zip(names, sample, strict=True):
                if name is None:
                    continue
                if value and math.isfinite(value):
                    if abs(value) > VALUE_ABS_MAX:
                        raise BadData(f"{path}: sample {number}: {name} {value:g} is larger than any reading")
                    signals[name] = value
                elif value == 0 or PERIODIC[INDEX[name]]:
                    signals[name] = None
            yield RecordedFrame(round(number * period_ms), signals)

    interval_ms = min(INTERVAL_MS_MAX, max(1, round(period_ms)))
    return check(path, "WFDB numerics", read, interval_ms)


def period_of(frequency_hz: float) -> float:
    """Return the time between two samples in ms."""
    period_s = 1.0 / frequency_hz
    whole_s = round(period_s)
    if whole_s and abs(period_s - whole_s) <= whole_s * WHOLE_SECOND_TOLERANCE:
        period_s = whole_s
    return period_s * SECOND_MS
