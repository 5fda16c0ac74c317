"""What every reader gives: the frames of one recording, checked before the first of them is used."""

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from streams.errors import BadData
from streams.frames import INTERVAL_MS_MAX

Value = float | str | bool | None
Signals = dict[str, Value]
SECOND_MS: Final = 1_000
PATIENT_CHARACTERS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """What was recorded at one moment, `t_ms` after the recording's own zero.

    Signals are in the units of `clinical.vitals`; None = attached without a reading, left out = not measured.
    """

    t_ms: int
    signals: Signals


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of one patient, read through once and found to be sound.

    `interval_ms` is its cadence; `frame_count` and `end_ms` (time of the last frame) help to show progress.
    """

    patient: str
    path: Path
    format: str
    interval_ms: int
    frame_count: int
    end_ms: int
    _read: Callable[[], Iterator[RecordedFrame]]

    def frames(self) -> Iterator[RecordedFrame]:
        """Yield the frames in order of time; every call starts from the beginning.

        Raises:
            BadData: the file has changed since it was opened and is no longer sound.
        """
        return self._read()


def check(
    path: Path, format_name: str, read: Callable[[], Iterator[RecordedFrame]], interval_ms: int | None = None
) -> Recording:
    """Read a recording to its end, so that what is wrong in it is found before any of it is used.

    Args:
        path: the file; its stem becomes the patient.
        format_name: shown to people.
        read: starts reading from the beginning.
        interval_ms: the format's cadence; None = the median step between frames.

    Raises:
        BadData: the file is malformed or holds no frame; the message is "path:line: what is wrong".
    """
    times_ms = array("q", (frame.t_ms for frame in read()))
    if not times_ms:
        raise BadData(f"{path}: holds no frame")
    return Recording(
        patient=patient_of(path),
        path=path,
        format=format_name,
        interval_ms=interval_ms or _median_step_ms(times_ms),
        frame_count=len(times_ms),
        end_ms=times_ms[-1],
        _read=read,
    )


def _median_step_ms(times_ms: "array[int]") -> int:
    if len(times_ms) < 2:
        return SECOND_MS
    return min(INTERVAL_MS_MAX, max(1, round(float(np.median(np.diff(np.asarray(times_ms)))))))


def patient_of(path: Path) -> str:
    """Return the file's stem as a patient id: other characters become '-', the first is a letter or digit."""
    name = re.sub(r"[^A-Za-z0-9._:@-]", "-", path.stem).lstrip("._:@-")
    return name[:PATIENT_CHARACTERS_MAX] or "recording"
