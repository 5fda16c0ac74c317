"""Readers of recordings, one file a format; `open_recording` finds out which one a file needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.readers import bidmc, edf_file, mimic, sepsis, vital_file, vt_alarms
from edge.readers.column_map import parse_columns
from edge.readers.notation import PLAIN, Notation, notation_of
from edge.readers.plain import open_plain
from edge.readers.recording import RecordedFrame, Recording
from edge.readers.table import header_of
from edge.readers.wfdb_record import open_wfdb
from streams.errors import UnknownRecording, UsageError

__all__ = [
    "Notation",
    "Opened",
    "RecordedFrame",
    "Recording",
    "notation_of",
    "open_paths",
    "open_recording",
    "parse_columns",
]

WFDB_SUFFIX: Final = ".hea"
SUFFIXES: Final = frozenset({".csv", ".psv", WFDB_SUFFIX, vital_file.SUFFIX, *edf_file.SUFFIXES})
"""Files of a folder that are tried; those of no known format are passed over and counted."""

_Open = Callable[[Path, Sequence[str], Notation], Recording]
# The arterial series comes before MIMIC, whose columns it shares.
_FORMATS: Final[tuple[tuple[str, Callable[[Sequence[str]], bool], _Open], ...]] = (
    (",", bidmc.recognises, bidmc.open_bidmc),
    (",", vt_alarms.recognises, vt_alarms.open_vt_alarm),
    (",", mimic.recognises, mimic.open_mimic),
    (sepsis.DELIMITER, sepsis.recognises, sepsis.open_sepsis),
)


def open_recording(
    path: Path, column_map: Mapping[str, str] | None = None, notation: Notation = PLAIN
) -> Recording:
    """Open a recording and read it through once, so that a malformed one fails before it is used.

    Args:
        path: a CSV or psv file, a VitalDB, EDF or BDF file, or a WFDB record (its `.hea` file, or its name without it).
        column_map: {signal or time_s/time_ms/time_iso/time_text: column}, for a plain CSV; else the header decides.
        notation: how a text file writes what it holds.

    Raises:
        UsageError: there is no such file, the map is wrong, or an optional package is missing.
        BadData: the file is malformed ("path:line: what is wrong").
        UnknownRecording: it is of no known kind.
    """
    header_file = path.with_name(path.name + WFDB_SUFFIX)
    if not path.is_file() and header_file.is_file():
        path = header_file
    if not path.is_file():
        raise UsageError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    if path.suffix == WFDB_SUFFIX:
        return open_wfdb(path, notation)
    if path.suffix == vital_file.SUFFIX:
        return vital_file.open_vital(path)
    if path.suffix in edf_file.SUFFIXES:
        return edf_file.open_edf(path, notation)
    if column_map is not None:
        return open_plain(path, column_map, notation)
    for delimiter, recognises, open_format in _FORMATS:
        header = header_of(path, delimiter)
        if recognises(header):
            return open_format(path, header, notation)
    first = ", ".join(header_of(path))[:100]
    raise UnknownRecording(
        f"{path}:1: no known kind of recording; for a plain CSV give --columns (the header is: {first})"
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """Recordings in the order given, and the files of each folder that are none."""

    recordings: tuple[Recording, ...]
    passed_over: Mapping[Path, int]

    def notes(self) -> list[str]:
        """Return what there is to say about them, a line each."""
        over = [
            f"{folder}: {count} file{' is' if count == 1 else 's are'} no recording"
            for folder, count in self.passed_over.items()
        ]
        return over + [note for recording in self.recordings for note in recording.notes]


def open_paths(
    paths: Sequence[Path], columns: Mapping[str, str] | None = None, notation: Notation = PLAIN
) -> Opened:
    """Open recordings and folders of recordings, each file once.

    Raises:
        UsageError: a path does not exist or holds no recording.
        BadData: a recording is malformed.
        UnknownRecording: a file that was named is of no known kind.
    """
    found: dict[Path, Recording] = {}
    passed_over: dict[Path, int] = {}
    for path in paths:
        for file in _files(path) if path.is_dir() else (path,):
            try:
                recording = open_recording(file, columns, notation)
            except UnknownRecording:
                if not path.is_dir():
                    raise
                passed_over[path.resolve()] = passed_over.get(path.resolve(), 0) + 1
                continue
            found.setdefault(recording.path.resolve(), recording)
    if not found:
        raise UsageError(f"no recording in {', '.join(map(str, paths))}")
    return Opened(tuple(found.values()), passed_over)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
