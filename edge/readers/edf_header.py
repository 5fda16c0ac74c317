"""The header of an EDF, EDF+ or BDF file: what signals there are, and how their samples lie in the data records.

Fields of fixed width in ASCII: 256 bytes of the file, 256 of each signal. Sources: Kemp et al. 1992 (EDF), Kemp and
Olivan 2003 (EDF+), BioSemi (BDF: the same with samples of 3 bytes).
"""

import os
import re
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import BinaryIO, Final

from edge.readers.recording import SECOND_MS
from streams.errors import BadData

BLOCK_BYTES: Final = 256
"""Of the file's own part of the header, and of each signal's."""

UNKNOWN: Final = -1
"""Number of data records while the recorder is still at work; it stays where the recorder was cut off."""

FIRST_YEAR: Final = 85
"""Years of two digits are 1985 to 2084; EDF+ writes four beside them."""

ANONYMOUS: Final = ("01.01.85", "00.00.00")
"""Dates that stand for none, where they are not confirmed in EDF+'s own way."""

_FILE: Final = (8, 80, 80, 8, 8, 8, 44, 8, 8, 4)
_SIGNAL: Final = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
_WHOLE: Final = re.compile(r"[+-]?\d{1,8}")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
_START_DATE: Final = re.compile(r"Startdate (\d\d)-([A-Z]{3})-(\d{4})(?: |$)")
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True)
class EdfSignal:
    """A signal: its samples of a data record begin at byte `begins` of it. Codes become `unit` by the two ranges."""

    label: str
    unit: str
    physical: tuple[str, str]
    digital: tuple[str, str]
    samples: int
    begins: int


@dataclass(frozen=True, slots=True)
class EdfHeader:
    """What the header says. `plus` is "C" (continuous), "D" (discontinuous), "" = no EDF+.

    `record_s` is the duration of a data record in s, 0 = a moment; `begins` the wall-clock start, None = not known.
    """

    kind: str
    plus: str
    signals: tuple[EdfSignal, ...]
    records: int
    record_s: float
    record_bytes: int
    sample_bytes: int
    begins: datetime | None

    @property
    def data_begins(self) -> int:
        """The byte at which the first data record begins."""
        return BLOCK_BYTES * (1 + len(self.signals))

    @property
    def annotation_label(self) -> str:
        """The label of signals that hold no samples but annotations."""
        return f"{self.kind} Annotations"

    def zero_ms(self, zone: tzinfo) -> int | None:
        """Return the epoch time of the start in ms, whose zone the file does not say; None = not known."""
        return (
            None if self.begins is None else round(self.begins.replace(tzinfo=zone).timestamp() * SECOND_MS)
        )


def whole(path: Path, place: str, text: str) -> int:
    """Return a field that is a whole number.

    Raises:
        BadData: it is none; names `place`.
    """
    return int(_field(path, place, text, _WHOLE, "whole number"))


def number(path: Path, place: str, text: str) -> float:
    """Return a field that is a number.

    Raises:
        BadData: it is none; names `place`.
    """
    return float(_field(path, place, text, _NUMBER, "number"))


def _field(path: Path, place: str, text: str, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(text):
        raise BadData(f"{path}: {place} is no {what}: {text!r}")
    return text


def read_header(path: Path, file: BinaryIO) -> EdfHeader:
    """Read the header, and hold the size of the file to it.

    Raises:
        BadData: a field is not what it must be, or the file is shorter or longer than the header says.
    """
    first = file.read(BLOCK_BYTES)
    if len(first) < BLOCK_BYTES:
        raise BadData(f"{path}: cut short in its header, at byte {len(first)}")
    kind = {b"0       ": "EDF", b"\xffBIOSEMI": "BDF"}.get(first[:8])
    if kind is None:
        raise BadData(f"{path}: header: neither an EDF nor a BDF file: begins with {first[:8]!r}")
    _, _, recording, date, time, size, reserved, records, duration, count = _cut(first, _FILE)
    signals_said = whole(path, "header: the number of signals", count)
    if signals_said < 1 or whole(path, "header: its length", size) != BLOCK_BYTES * (1 + signals_said):
        raise BadData(f"{path}: header: its length is {size} bytes, for {signals_said} signals")
    sample_bytes = 2 if kind == "EDF" else 3
    signals = _signals(path, file.read(BLOCK_BYTES * signals_said), signals_said, sample_bytes)
    record_bytes = sum(one.samples for one in signals) * sample_bytes
    record_s = number(path, "header: the duration of a data record", duration)
    if record_s < 0 or not record_bytes:
        raise BadData(f"{path}: header: data records of {record_s:g} s and {record_bytes} bytes")
    header = EdfHeader(
        kind=kind,
        plus=reserved[4:5] if reserved[:5] in {f"{kind}+C", f"{kind}+D"} else "",
        signals=signals,
        records=whole(path, "header: the number of data records", records),
        record_s=record_s,
        record_bytes=record_bytes,
        sample_bytes=sample_bytes,
        begins=_begins(date, time, recording),
    )
    return _of_size(path, header, os.fstat(file.fileno()).st_size)


def _of_size(path: Path, header: EdfHeader, size: int) -> EdfHeader:
    there, rest = divmod(size - header.data_begins, header.record_bytes)
    said = there if header.records == UNKNOWN else header.records
    if said < 0:
        raise BadData(f"{path}: header: {said} data records")
    if there < said or (rest and header.records == UNKNOWN):
        raise BadData(f"{path}: cut short in data record {there + 1}, at byte {size}")
    if there > said or rest:
        raise BadData(f"{path}: goes on behind data record {said}, the last one by its header")
    return replace(header, records=said)


def _cut(block: bytes, widths: tuple[int, ...]) -> list[str]:
    """Return the fields of a block, without the blanks (some writers': zeros) that fill them up."""
    texts, at = [], 0
    for width in widths:
        texts.append(block[at : at + width].decode("latin-1").strip(" \0"))
        at += width
    return texts


def _signals(path: Path, block: bytes, count: int, sample_bytes: int) -> tuple[EdfSignal, ...]:
    """Read the signals' part, which has the labels of all signals, then what follows of all, and so on."""
    if len(block) < BLOCK_BYTES * count:
        raise BadData(f"{path}: cut short in its header, at byte {BLOCK_BYTES + len(block)}")
    columns, at = [], 0
    for width in _SIGNAL:
        columns.append(_cut(block[at : at + width * count], (width,) * count))
        at += width * count
    labels, _, units, low, high, digital_low, digital_high, _, samples, _ = columns
    signals, begins = [], 0
    for i, label in enumerate(labels):
        held = whole(path, f"header: signal {i + 1} ({label}): samples in a data record", samples[i])
        if held < 0:
            raise BadData(f"{path}: header: signal {i + 1} ({label}): {held} samples in a data record")
        ranges = (low[i], high[i]), (digital_low[i], digital_high[i])
        signals.append(EdfSignal(label, units[i], *ranges, held, begins))
        begins += held * sample_bytes
    return tuple(signals)


def _begins(date: str, time: str, recording: str) -> datetime | None:
    """Return when the recording begins, None where it does not say or hides it."""
    said = _START_DATE.match(recording)
    if said and said[2] in _MONTHS:
        day, month, year = int(said[1]), _MONTHS.index(said[2]) + 1, int(said[3])
    elif (
        date in ANONYMOUS
        or recording.startswith("Startdate X")
        or not re.fullmatch(r"\d\d\.\d\d\.\d\d", date)
    ):
        return None
    else:
        day, month, year = (int(part) for part in date.split("."))
        year += 1900 if year >= FIRST_YEAR else 2000
    try:
        hour, minute, second = (int(part) for part in time.split("."))
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - it says no zone
    except ValueError:  # not three parts; no numbers; no such day or hour
        return None
