"""Which track of Vital Recorder is which signal: its monitor types, and the names of tracks where none is given.

Monitor types are the list that `vitalrecorder` 1.0.0 sends in OBX-3.1; names are those of VitalDB's open data set, the
same that `vigil replay` reads. [M]: that the type is the signal follows from its tracks in that data set, no document
says it. What a monitor draws or computes besides (CVP, PAP, BIS, agents, pumps) is none of Vigil's signals.
"""

from functools import lru_cache
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.terms import Known
from edge.readers.units import unit_of
from edge.readers.vital_file import TRACKS

MONITOR_TYPES: Final[dict[str, str]] = {
    "ECG_HR": "hr",
    "PLETH_HR": "pulse",
    "PLETH_SPO2": "spo2",
    "RESP_RR": "resp",
    "CO2_RR": "resp",
    "NIBP_SBP": "nbp_sys",
    "NIBP_DBP": "nbp_dia",
    "NIBP_MBP": "nbp_mean",
    "IABP_SBP": "abp_sys",
    "IABP_DBP": "abp_dia",
    "IABP_MBP": "abp_mean",
    "FEM_SBP": "abp_sys",
    "FEM_DBP": "abp_dia",
    "FEM_MBP": "abp_mean",
    "BT": "temp",
    "CO2_CONC": "etco2",  # [M]
}
_NAMES: Final = {name: signal for signal, names in TRACKS.items() for name in names}
_PLACE: Final = {name: place for place, name in enumerate((*MONITOR_TYPES, *_NAMES))}


@lru_cache(maxsize=4_096)
def track_of(monitor_type: str, name: str, unit: str) -> Known | None:
    """Return the signal that a track is, None if it is none of ours.

    The type counts before the name, for whoever runs Vital Recorder has set it; of several tracks of a signal the
    first in the table counts.

    Args:
        monitor_type: as Vital Recorder calls it, may be empty.
        name: the track's, with or without its device before a `/`.
        unit: as written; empty = Vigil's own.
    """
    key = monitor_type.strip().upper()
    signal = MONITOR_TYPES.get(key)
    if signal is None:
        key = name.rpartition("/")[2].strip().upper()
        signal = _NAMES.get(key) or MONITOR_TYPES.get(key)
    if signal is None:
        return None
    bounds = SIGNALS[INDEX[signal]]
    return Known(signal, _PLACE[key], bounds.low, bounds.high, unit_of(signal, unit))
