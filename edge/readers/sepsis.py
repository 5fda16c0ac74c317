"""Hourly charts of the sepsis challenge: cells between `|`, `NaN` = not charted in that hour.

`ICULOS` counts hours in intensive care from 1; a stay may begin later than that. Laboratory columns are
passed over. Source: PhysioNet/CinC Challenge 2019 1.0.0.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.readers.cell import Cell
from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import RecordedFrame, Recording, Value, check
from edge.readers.table import frames_of, require_once

DELIMITER: Final = "|"
HOUR: Final = "ICULOS"
HOUR_MS: Final = 3_600_000
COLUMNS: Final = {
    "HR": "hr",
    "O2Sat": "spo2",
    "Temp": "temp",
    "SBP": "nbp_sys",
    "DBP": "nbp_dia",
    "MAP": "nbp_mean",
    "Resp": "resp",
    "EtCO2": "etco2",
    "FiO2": "fio2",
}
FIO2_PERCENT_MIN: Final = SIGNALS[INDEX["fio2"]].low


def recognises(header: Sequence[str]) -> bool:
    """Whether the header is that of the sepsis challenge."""
    return HOUR in header and not COLUMNS.keys().isdisjoint(header)


def open_sepsis(path: Path, header: Sequence[str], notation: Notation = PLAIN) -> Recording:
    """Open an hourly chart.

    Raises:
        BadData: it is malformed.
    """
    columns = {column: signal for column, signal in COLUMNS.items() if column in header}
    require_once(path, header, (HOUR, *columns))

    def read() -> Iterator[RecordedFrame]:
        return frames_of(path, columns, _hour_ms, lambda _: False, _value_of, DELIMITER, notation)

    return check(path, "sepsis challenge chart", read, HOUR_MS)


def _hour_ms(row: Mapping[str, Cell]) -> int:
    return row[HOUR].time_ms(HOUR_MS) - HOUR_MS


def _value_of(cell: Cell, signal: str) -> Value:
    value = cell.reading()
    if signal != "fio2":
        return value
    percent = round(value * 100, 1) if value <= 1 else value
    # Some charts hold litres a minute in this column: neither a share nor a percentage.
    return percent if FIO2_PERCENT_MIN <= percent <= 100 else None
