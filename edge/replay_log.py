"""What a replay writes: the frames of all recordings in order of their time, and the ticks between them."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from edge.readers.recording import GAP_MS, Recording
from streams.contracts.frame import INTERVAL_MS_MAX, TICK_KEY, encode_tick
from streams.errors import UsageError

TICK_MS_MIN: Final = 1_000
TICK_MS_MAX: Final = 60_000
"""Ticks follow the fastest recording's cadence within these bounds: hourly charts need no tick a second."""

DENSE_MS: Final = 3_600_000
"""In a gap of more than a day ticks come at their cadence for so long, then every `TICK_MS_MAX`: by then silence and
lost signals have been told, and scores lapse within a day."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One record to write at recorded time `ts_ms`; a tick (key `TICK_KEY`) goes to every partition."""

    ts_ms: int
    key: bytes
    value: bytes

    @property
    def is_tick(self) -> bool:
        """Whether the entry is a tick rather than a frame."""
        return self.key == TICK_KEY


def check_recordings(recordings: Sequence[Recording]) -> None:
    """Refuse two recordings of one patient by one device: their frames would be one device's.

    Raises:
        UsageError: names both files.
    """
    seen: dict[tuple[str, str], Recording] = {}
    for recording in recordings:
        key = (recording.patient, recording.device)
        if other := seen.get(key):
            raise UsageError(
                f"{other.path} and {recording.path} are both patient {recording.patient!r}: rename one, or give "
                "--patient if they are one patient's, side by side"
            )
        seen[key] = recording


def side_by_side(recordings: Sequence[Recording], patient: str) -> list[Recording]:
    """Return recordings as those of one patient's devices, each named after its file.

    They begin as far apart as they say; where one does not say when it began, all begin together.
    """
    zeros = [recording.zero_ms for recording in recordings]
    known = [zero for zero in zeros if zero is not None]
    aligned = len(known) == len(zeros)
    names = Counter(recording.device for recording in recordings)
    found = []
    for number, recording in enumerate(recordings, 1):
        device = recording.device if names[recording.device] == 1 else f"{number}-{recording.device}"[:64]
        shift_ms = (recording.zero_ms or 0) - min(known) if aligned else 0
        found.append(recording.beside(patient, device, shift_ms))
    return found


def replay_entries(recordings: Sequence[Recording], start_ms: int = 0, copies: int = 1) -> Iterator[Entry]:
    """Yield frames and ticks in order of recorded time.

    Args:
        recordings: of different patients, or of different devices of one.
        start_ms: the moment that the recordings' zero stands for, Unix epoch, ms.
        copies: how often each frame is sent; more than one shows that duplicates change nothing.
    """
    fastest = min(recording.interval_ms for recording in recordings)
    step = min(TICK_MS_MAX, max(TICK_MS_MIN, fastest))
    tick = start_ms + step
    last_ms = start_ms
    for ts_ms, key, value in heapq.merge(*(_frames(recording, start_ms) for recording in recordings)):
        while tick < ts_ms:
            yield Entry(tick, TICK_KEY, encode_tick(tick))
            tick += step if ts_ms - last_ms <= GAP_MS else _stride(tick - last_ms, ts_ms - tick, step)
        last_ms = ts_ms
        for _ in range(copies):
            yield Entry(ts_ms, key, value)
    yield Entry(tick, TICK_KEY, encode_tick(tick))


def _stride(quiet_ms: int, rest_ms: int, step_ms: int) -> int:
    """Return how far the next tick is in a gap, in whole steps: after a day of silence one before its end is enough."""
    if quiet_ms < DENSE_MS:
        return step_ms
    if quiet_ms < GAP_MS:
        return max(step_ms, TICK_MS_MAX // step_ms * step_ms)
    return max(step_ms, (rest_ms - 1) // step_ms * step_ms)


def _frames(recording: Recording, start_ms: int) -> Iterable[tuple[int, bytes, bytes]]:
    """Yield (time, key, value); the last frame announces that no further one is due."""
    key = recording.patient.encode()
    for seq, frame in enumerate(recording.frames()):
        last = seq == recording.frame_count - 1
        ts_ms = start_ms + frame.t_ms
        content = {
            "patient": recording.patient,
            "device": recording.device,
            "boot": 0,
            "seq": seq,
            "event_ts_ms": ts_ms,
            "interval_ms": INTERVAL_MS_MAX if last else recording.interval_ms,
            **frame.signals,
        }
        yield ts_ms, key, msgspec.json.encode(content)
