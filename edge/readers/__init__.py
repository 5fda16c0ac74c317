"""Readers of recordings, one file a format; `open_recording` finds out which one a file needs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from edge.readers import bidmc, mimic, sepsis, vt_alarms
from edge.readers.plain import open_plain, parse_columns
from edge.readers.recording import RecordedFrame, Recording
from edge.readers.table import header_of
from edge.readers.wfdb_record import open_wfdb
from streams.errors import BadData, UsageError

__all__ = ["RecordedFrame", "Recording", "open_recording", "parse_columns"]

WFDB_SUFFIX: Final = ".hea"

_Open = Callable[[Path, Sequence[str]], Recording]
# The arterial series comes before MIMIC, whose columns it shares.
_FORMATS: Final[tuple[tuple[str, Callable[[Sequence[str]], bool], _Open], ...]] = (
    (",", bidmc.recognises, bidmc.open_bidmc),
    (",", vt_alarms.recognises, vt_alarms.open_vt_alarm),
    (",", mimic.recognises, mimic.open_mimic),
    (sepsis.DELIMITER, sepsis.recognises, sepsis.open_sepsis),
)


def open_recording(path: Path, column_map: Mapping[str, str] | None = None) -> Recording:
    """Open a recording and read it through once, so that a malformed one fails before it is used.

    Args:
        path: a CSV or psv file, or a WFDB record (its `.hea` file, or its name without it).
        column_map: {signal or time_s/time_ms/time_iso: column}, for a plain CSV; else the header decides.

    Raises:
        UsageError: there is no such file, the map is wrong, or an optional package is missing.
        BadData: the file is malformed ("path:line: what is wrong") or of no known format.
    """
    header_file = path.with_name(path.name + WFDB_SUFFIX)
    if not path.is_file() and header_file.is_file():
        path = header_file
    if not path.is_file():
        raise UsageError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    if column_map is not None:
        return open_plain(path, column_map)
    if path.suffix == WFDB_SUFFIX:
        return open_wfdb(path)
    for delimiter, recognises, open_format in _FORMATS:
        header = header_of(path, delimiter)
        if recognises(header):
            return open_format(path, header)
    first = ", ".join(header_of(path))[:100]
    raise BadData(
        f"{path}:1: no known kind of recording; for a plain CSV give --columns (the header is: {first})"
    )
