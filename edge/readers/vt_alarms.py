"""Arterial pressures around an alarm, one row a second: `t_s, PULSE_abp, ABPSys, ABPDias, ABPMean`.

An empty cell is a missing reading.
Source: derived from the arterial waveforms of the PhysioNet/CinC Challenge 2015; the alarm is at t = 300 s.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge.readers.notation import PLAIN, Notation
from edge.readers.recording import RecordedFrame, Recording, check
from edge.readers.table import frames_of, require_once

TIME: Final = "t_s"
COLUMNS: Final = {"PULSE_abp": "pulse", "ABPSys": "abp_sys", "ABPDias": "abp_dia", "ABPMean": "abp_mean"}
INTERVAL_MS: Final = 1_000


def recognises(header: Sequence[str]) -> bool:
    """Whether the header is that of these series: the pulse from the arterial line tells them from others."""
    return TIME in header and COLUMNS.keys() <= set(header)


def open_vt_alarm(path: Path, header: Sequence[str], notation: Notation = PLAIN) -> Recording:
    """Open a series.

    Raises:
        BadData: it is malformed.
    """
    require_once(path, header, (TIME, *COLUMNS))

    def read() -> Iterator[RecordedFrame]:
        return frames_of(
            path, COLUMNS, lambda row: row[TIME].time_ms(), null_if_missing=lambda _: True, notation=notation
        )

    return check(path, "arterial pressures around an alarm", read, INTERVAL_MS)
