"""What every reader gives: the frames of one recording, checked before the first of them is used."""

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.readers.findings import Implausible
from streams.contracts.frame import INTERVAL_MS_MAX
from streams.errors import BadData

Value = float | str | bool | None
Signals = dict[str, Value]
SECOND_MS: Final = 1_000
DAY_MS: Final = 86_400_000
PATIENT_CHARACTERS_MAX: Final = 64

GAP_MS: Final = DAY_MS
"""A longer time between two frames is a gap: nobody was monitored, or a clock was wrong. It is named."""

GAPS_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """What was recorded at one moment, `t_ms` after the recording's own zero.

    Signals are in the units of `clinical.vitals`; None = attached without a reading, left out = not measured.
    """

    t_ms: int
    signals: Signals


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording of one patient by one device, read through once and found to be sound.

    `interval_ms` is its cadence; `frame_count` and `end_ms` (time of the last frame) help to show progress. `gap_ms` is
    the time in gaps of more than a day, all together. `zero_ms` is the zero's epoch time where the recording says it.
    `notes` are lines for people: what is left out, dropped or strange.
    """

    patient: str
    device: str
    path: Path
    format: str
    interval_ms: int
    frame_count: int
    end_ms: int
    gap_ms: int
    zero_ms: int | None
    notes: tuple[str, ...]
    _read: Callable[[], Iterator[RecordedFrame]]
    shift_ms: int = 0

    def frames(self) -> Iterator[RecordedFrame]:
        """Yield the frames in order of time; every call starts from the beginning.

        Raises:
            BadData: the file has changed since it was opened and is no longer sound.
        """
        if not self.shift_ms:
            return self._read()
        return (RecordedFrame(frame.t_ms + self.shift_ms, frame.signals) for frame in self._read())

    def beside(self, patient: str, device: str, shift_ms: int) -> "Recording":
        """Return it as that of a device of a patient of whom there are others, `shift_ms` later."""
        return replace(
            self,
            patient=patient,
            device=device,
            end_ms=self.end_ms + shift_ms,
            shift_ms=self.shift_ms + shift_ms,
        )


def check(
    path: Path,
    format_name: str,
    read: Callable[[], Iterator[RecordedFrame]],
    interval_ms: int | None = None,
    *,
    notes: Sequence[str] = (),
    zero_ms: int | None = None,
) -> Recording:
    """Read a recording to its end, so that what is wrong in it is found before any of it is used.

    Args:
        path: the file; its stem becomes the patient.
        format_name: shown to people.
        read: starts reading from the beginning.
        interval_ms: the format's cadence; None = the median step between frames.
        notes: what the reader has to say.
        zero_ms: epoch time of the recording's zero, None = unknown.

    Raises:
        BadData: the file is malformed or holds no frame; the message is "path:line: what is wrong".
    """
    found, implausible = array("q"), Implausible()
    for frame in read():
        found.append(frame.t_ms)
        implausible.add(frame.signals)
    if not found:
        raise BadData(f"{path}: holds no frame")
    times_ms = np.asarray(found)
    steps = np.diff(times_ms)
    return Recording(
        patient=patient_of(path),
        device=patient_of(path),
        path=path,
        format=format_name,
        interval_ms=interval_ms or _median_step_ms(steps),
        frame_count=len(times_ms),
        end_ms=int(times_ms[-1]),
        gap_ms=int(steps[steps > GAP_MS].sum()),
        zero_ms=zero_ms,
        notes=(*notes, *_gaps(path, times_ms, steps), *implausible.notes(path)),
        _read=read,
    )


def _gaps(path: Path, times_ms: NDArray[np.int64], steps: NDArray[np.int64]) -> Iterator[str]:
    """Name the longest gaps, in their order."""
    places = np.flatnonzero(steps > GAP_MS)
    longest = sorted(places[np.argsort(-steps[places], kind="stable")][:GAPS_NAMED].tolist())
    for place in longest:
        yield (
            f"{path}: a gap of {steps[place] / DAY_MS:,.1f} days between frame {place + 1}, at "
            f"{times_ms[place] / SECOND_MS:g} s, and the next: judged as silence"
        )
    if len(places) > len(longest):
        yield f"{path}: {len(places) - len(longest)} more gaps of more than a day"


def _median_step_ms(steps: NDArray[np.int64]) -> int:
    return min(INTERVAL_MS_MAX, max(1, round(float(np.median(steps))))) if len(steps) else SECOND_MS


def patient_of(path: Path) -> str:
    """Return the file's stem as a patient id: other characters become '-', the first is a letter or digit."""
    name = re.sub(r"[^A-Za-z0-9._:@-]", "-", path.stem).lstrip("._:@-")
    return name[:PATIENT_CHARACTERS_MAX] or "recording"
