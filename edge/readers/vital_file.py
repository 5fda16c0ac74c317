"""VitalDB and Vital Recorder files (`.vital`), through the optional package `vitaldb`.

Numeric tracks are read record by record, each at its own time: the package's own tables lose the last one. Names:
the tracks of the monitors that VitalDB lists (Solar8000, Intellivue and others) without their device; where several
tracks measure the same, the first in this table counts, then the first in the file. Waveforms are passed over.
"""

import gzip
import io
import math
from collections.abc import Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.readers.recording import SECOND_MS, RecordedFrame, Recording, Signals, check
from edge.readers.signal_names import Chosen, Known
from edge.readers.units import Unit, unit_of
from streams.contracts.frame import INTERVAL_MS_MAX, VALUE_ABS_MAX
from streams.errors import BadData, UnknownRecording, UsageError

SUFFIX: Final = ".vital"
NUMERIC: Final = 2
"""A track's type."""

PIECE_BYTES: Final = 1 << 20
TRACKS: Final[Mapping[str, tuple[str, ...]]] = {
    "hr": ("ECG_HR", "HR"),
    "pulse": ("PLETH_HR", "PLETH_PULS_RATE"),
    "spo2": ("PLETH_SPO2", "PLETH_SAT_O2", "SPO2"),
    "resp": ("RR", "RR_CO2", "AWAY_RR"),
    "nbp_sys": ("NIBP_SBP", "NIBP_SYS"),
    "nbp_dia": ("NIBP_DBP", "NIBP_DIA"),
    "nbp_mean": ("NIBP_MBP", "NIBP_MEAN"),
    "abp_sys": ("ART_SBP", "ABP_SYS", "ART_SYS", "FEM_SBP"),
    "abp_dia": ("ART_DBP", "ABP_DIA", "ART_DIA", "FEM_DBP"),
    "abp_mean": ("ART_MBP", "ABP_MEAN", "ART_MEAN", "FEM_MBP"),
    "temp": ("BT", "BT_CORE", "TEMP"),
    "etco2": ("ETCO2", "AWAY_CO2_ET"),
    "fio2": ("FIO2",),
}
_BY_TRACK: Final = {
    track: (signal, place) for signal, tracks in TRACKS.items() for place, track in enumerate(tracks)
}


def open_vital(path: Path) -> Recording:
    """Open a file of numeric tracks.

    Raises:
        UsageError: the package `vitaldb` is not installed.
        BadData: it cannot be read, or is cut short.
        UnknownRecording: it holds no vital sign that Vigil knows.
    """
    try:
        import vitaldb
    except ImportError:
        raise UsageError(
            f"{path}: VitalDB files need the extra 'vitaldb': .venv/bin/python -m pip install 'vitaldb>=1.7,<2'"
        ) from None
    said = io.StringIO()
    try:
        with gzip.open(path) as whole:  # the package reads a file that is cut short without a word
            while whole.read(PIECE_BYTES):
                pass
        with redirect_stdout(said):
            file = vitaldb.VitalFile(str(path))
    except Exception as error:  # vitaldb lets every kind of error out of a damaged file
        raise BadData(f"{path}: not a VitalDB file: {error}") from None
    if "Error" in said.getvalue():
        raise BadData(f"{path}: not a VitalDB file: {said.getvalue().strip()}")
    return from_tracks(path, file.trks)


def from_tracks(path: Path, tracks: Mapping[str, Any]) -> Recording:
    """Make a recording of the tracks of a file, {name: track with type, unit and recs of dt (s) and val}.

    Raises:
        BadData: a value is larger than any reading.
        UnknownRecording: no track is known.
    """
    numeric = {name: track for name, track in tracks.items() if track.type == NUMERIC}
    chosen = _choose(numeric)
    moments: dict[int, Signals] = {}
    steps: list[float] = []
    for known in chosen.known:
        name = list(numeric)[known.place]
        times = _read_track(path, name, numeric[name].recs, known, moments)
        steps += [float(np.median(np.diff(times)))] if len(times) > 1 else []
    if not moments:
        raise UnknownRecording(f"{path}: no known vital sign among {', '.join(numeric)[:200]}")
    zero_ms = min(moments)

    def read() -> Iterator[RecordedFrame]:
        for moment in sorted(moments):
            yield RecordedFrame(moment - zero_ms, moments[moment])

    # Tracks of several devices lie between each other: the recording's interval is not the step between its frames.
    interval_ms = min(INTERVAL_MS_MAX, max(1, round(float(np.median(steps))))) if steps else SECOND_MS
    return check(path, "VitalDB", read, interval_ms, notes=chosen.notes(path), zero_ms=zero_ms)


def _choose(numeric: Mapping[str, Any]) -> Chosen:
    best: dict[str, tuple[int, int, Unit]] = {}
    left_out = dict.fromkeys(numeric, "")
    for place, (name, track) in enumerate(numeric.items()):
        signal, rank = _BY_TRACK.get(name.rpartition("/")[2].upper(), ("", 0))
        if not signal:
            continue
        unit = unit_of(signal, track.unit)
        if unit is None:
            left_out[name] = f" (in {track.unit!r})"
        elif signal not in best or rank < best[signal][0]:
            best[signal] = (rank, place, unit)
    known = tuple(Known(place, signal, unit) for signal, (_, place, unit) in best.items())
    read = {one.place for one in known}
    names = (name + why for place, (name, why) in enumerate(left_out.items()) if place not in read)
    return Chosen(known, tuple(names))


def _read_track(path: Path, name: str, records: Any, known: Known, moments: dict[int, Signals]) -> list[int]:
    """Put a track's readings into the frames of their moments and return its times in ms, in order."""
    times = []
    for record in records:
        # Readings are stored as 4-byte floats: the shortest text that means the same float is what was written.
        value = float(str(np.float32(record["val"])))
        t_ms = round(record["dt"] * SECOND_MS)
        if math.isfinite(value) and abs(value) > VALUE_ABS_MAX:
            raise BadData(f"{path}: {name}: {value:g} is larger than any reading")
        moments.setdefault(t_ms, {})[known.signal] = (
            known.unit.convert(value) if math.isfinite(value) else None
        )
        times.append(t_ms)
    return sorted(times)
