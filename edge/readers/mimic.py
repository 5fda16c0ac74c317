"""MIMIC numerics as CSV: `t_s, HR [bpm], ABPSys [mmHg], ...`; 0 means that there is no valid reading.

An empty cell means that nothing was measured: cuff pressures come every few minutes.
Source: MIMIC II/III waveform database, numerics records. The names serve WFDB numerics records too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge.readers.cell import Cell
from edge.readers.recording import RecordedFrame, Recording, Value, check
from edge.readers.table import frames_of

TIME: Final = "t_s"
NAMES: Final = {
    "HR": "hr",
    "PULSE": "pulse",
    "RESP": "resp",
    "SpO2": "spo2",
    "ABPSys": "abp_sys",
    "ABPDias": "abp_dia",
    "ABPMean": "abp_mean",
    "NBPSys": "nbp_sys",
    "NBPDias": "nbp_dia",
    "NBPMean": "nbp_mean",
}


def signals_by_column(header: Sequence[str]) -> dict[str, str]:
    """Return column -> signal for the columns whose name, without its unit in brackets, is known.

    Where two columns measure the same, the first counts.
    """
    found: dict[str, str] = {}
    for column in header:
        signal = NAMES.get(column.partition("[")[0].strip())
        if signal is not None and signal not in found.values():
            found[column] = signal
    return found


def recognises(header: Sequence[str]) -> bool:
    """Whether the header is that of MIMIC numerics."""
    return TIME in header and bool(signals_by_column(header))


def open_mimic(path: Path, header: Sequence[str]) -> Recording:
    """Open a MIMIC numerics file.

    Raises:
        BadData: it is malformed.
    """
    columns = signals_by_column(header)

    def read() -> Iterator[RecordedFrame]:
        return frames_of(
            path,
            columns,
            lambda row: row[TIME].time_ms(),
            null_if_missing=lambda _: False,
            value_of=_value_of,
        )

    return check(path, "MIMIC numerics", read)


def _value_of(cell: Cell, _signal: str) -> Value:
    return cell.reading() or None
