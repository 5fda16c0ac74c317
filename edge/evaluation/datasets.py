"""Which recordings are evaluated together: those of one folder and one format, in one log of their own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.readers import Recording, open_paths
from edge.reading_options import BY_HEADER, Reading
from edge.replay_log import check_recordings, replay_entries

HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class Dataset:
    """Recordings of one folder and format, one a patient; `passed_over` files there are no recordings."""

    name: str
    folder: Path
    recordings: tuple[Recording, ...]
    passed_over: int = 0

    @property
    def patient_hours(self) -> float:
        """How long patients were monitored, all together; a gap of more than a day is no monitoring."""
        return sum(span_ms(recording) - recording.gap_ms for recording in self.recordings) / HOUR_MS

    @property
    def size(self) -> str:
        """How many recordings there are, for people."""
        count = len(self.recordings)
        return f"{count} recording{'' if count == 1 else 's'}"

    @property
    def notes(self) -> list[str]:
        """What the readers have to say: what is left out, dropped or strange."""
        return [note for recording in self.recordings for note in recording.notes]

    def log(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Yield the log of all recordings, ticks between them: (time in ms, key, value)."""
        return ((entry.ts_ms, entry.key, entry.value) for entry in replay_entries(self.recordings))


def span_ms(recording: Recording) -> int:
    """Return how long a recording reaches: until its last value has stood for one interval."""
    return recording.end_ms + recording.interval_ms


def find_datasets(paths: Sequence[Path], reading: Reading = BY_HEADER) -> list[Dataset]:
    """Open recordings and folders of recordings, grouped by folder and format, in the order given.

    Raises:
        UsageError: a path does not exist, holds no recording, or two recordings are of one patient.
        BadData: a recording is malformed.
        UnknownRecording: a file that was named is of no known kind.
    """
    opened = open_paths(paths, reading.columns, reading.notation)
    found: dict[tuple[Path, str], list[Recording]] = {}
    for recording in opened.recordings:
        found.setdefault((recording.path.resolve().parent, recording.format), []).append(recording)
    for recordings in found.values():
        check_recordings(recordings)
    names = _names(found)
    return [
        Dataset(names[key], key[0], tuple(recordings), opened.passed_over.get(key[0], 0))
        for key, recordings in found.items()
    ]


def _names(keys: Iterable[tuple[Path, str]]) -> dict[tuple[Path, str], str]:
    """Name each after its folder, with the format behind it where a folder holds several."""
    folders = [folder for folder, _ in keys]
    return {
        (folder, kind): folder.name if folders.count(folder) == 1 else f"{folder.name}: {kind}"
        for folder, kind in keys
    }
