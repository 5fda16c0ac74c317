"""MIMIC numerics as CSV: `t_s, HR [bpm], ABPSys [mmHg], ...`; 0 means that there is no valid reading.

An empty cell means that nothing was measured: cuff pressures come every few minutes.
Source: MIMIC II/III waveform database, numerics records.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge.readers.cell import Cell
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import RecordedFrame, Recording, Value, check
from edge.readers.signal_names import Chosen, choose
from edge.readers.table import frames_of, require_once

TIME: Final = "t_s"


def _chosen(header: Sequence[str]) -> Chosen:
    """Choose among the columns by their names, without the units that stand in brackets behind them."""
    named = (column.partition("[") for column in header)
    return choose(((name.strip(), unit.strip(" ]")) for name, _, unit in named), passed_over=(TIME,))


def recognises(header: Sequence[str]) -> bool:
    """Whether the header is that of MIMIC numerics."""
    return TIME in header and bool(_chosen(header).known)


def open_mimic(path: Path, header: Sequence[str], notation: Notation = PLAIN) -> Recording:
    """Open a MIMIC numerics file. Where two columns measure the same, the first counts; the others are named.

    Raises:
        BadData: it is malformed.
    """
    require_once(path, header, (TIME,))
    chosen = _chosen(header)
    columns = {header[one.place]: one.signal for one in chosen.known}
    units = {one.signal: one.unit for one in chosen.known}

    def value_of(cell: Cell, signal: str) -> Value:
        value = cell.reading()
        return units[signal].convert(value) if value else None

    def read() -> Iterator[RecordedFrame]:
        return frames_of(
            path,
            columns,
            lambda row: row[TIME].time_ms(),
            null_if_missing=lambda _: False,
            value_of=value_of,
            notation=notation,
        )

    return check(path, "MIMIC numerics", read, notes=chosen.notes(path))
