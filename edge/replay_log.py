"""What a replay writes: the frames of all recordings in order of their time, and the ticks between them."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from edge.readers.recording import Recording
from streams.errors import UsageError
from streams.frames import INTERVAL_MS_MAX, TICK_KEY, encode_tick

TICK_MS_MIN: Final = 1_000
TICK_MS_MAX: Final = 60_000
"""Ticks follow the fastest recording's cadence within these bounds: hourly charts need no tick a second."""


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
    """Refuse two recordings of one patient: their frames would be one patient's.

    Raises:
        UsageError: names both files.
    """
    seen: dict[str, Recording] = {}
    for recording in recordings:
        if other := seen.get(recording.patient):
            raise UsageError(f"{other.path} and {recording.path} are both patient {recording.patient!r}")
        seen[recording.patient] = recording


def replay_entries(recordings: Sequence[Recording], start_ms: int = 0, copies: int = 1) -> Iterator[Entry]:
    """Yield frames and ticks in order of recorded time.

    Args:
        recordings: of different patients.
        start_ms: the moment that the recordings' zero stands for, Unix epoch, ms.
        copies: how often each frame is sent; more than one shows that duplicates change nothing.
    """
    fastest = min(recording.interval_ms for recording in recordings)
    step = min(TICK_MS_MAX, max(TICK_MS_MIN, fastest))
    tick = start_ms + step
    for ts_ms, key, value in heapq.merge(*(_frames(recording, start_ms) for recording in recordings)):
        while tick < ts_ms:
            yield Entry(tick, TICK_KEY, encode_tick(tick))
            tick += step
        for _ in range(copies):
            yield Entry(ts_ms, key, value)
    yield Entry(tick, TICK_KEY, encode_tick(tick))


def _frames(recording: Recording, start_ms: int) -> Iterable[tuple[int, bytes, bytes]]:
    """Yield (time, key, value); the last frame announces that no further one is due."""
    key = recording.patient.encode()
    for seq, frame in enumerate(recording.frames()):
        last = seq == recording.frame_count - 1
        ts_ms = start_ms + frame.t_ms
        content = {
            "patient": recording.patient,
            "device": recording.patient,
            "boot": 0,
            "seq": seq,
            "event_ts_ms": ts_ms,
            "interval_ms": INTERVAL_MS_MAX if last else recording.interval_ms,
            **frame.signals,
        }
        yield ts_ms, key, msgspec.json.encode(content)
