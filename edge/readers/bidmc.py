"""BIDMC numerics: one row a second, `Time [s], HR, PULSE, RESP, SpO2`; an empty cell is a missing reading.

Source: PhysioNet BIDMC PPG and Respiration Dataset 1.0.0, files `bidmc_NN_Numerics.csv`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import RecordedFrame, Recording, check
from edge.readers.table import frames_of, require_once

TIME: Final = "Time [s]"
COLUMNS: Final = {"HR": "hr", "PULSE": "pulse", "RESP": "resp", "SpO2": "spo2"}
INTERVAL_MS: Final = 1_000


def recognises(header: Sequence[str]) -> bool:
    """Whether the header is that of BIDMC numerics."""
    return TIME in header and not COLUMNS.keys().isdisjoint(header)


def open_bidmc(path: Path, header: Sequence[str], notation: Notation = PLAIN) -> Recording:
    """Open a BIDMC numerics file.

    Raises:
        BadData: it is malformed.
    """
    columns = {column: signal for column, signal in COLUMNS.items() if column in header}
    require_once(path, header, (TIME, *columns))

    def read() -> Iterator[RecordedFrame]:
        return frames_of(
            path, columns, lambda row: row[TIME].time_ms(), null_if_missing=lambda _: True, notation=notation
        )

    return check(path, "BIDMC numerics", read, INTERVAL_MS)
