"""EDF+'s annotation signals: when each data record begins, and what was noted when.

Their bytes are time-stamped lists: `+onset`, byte 21 and a duration if there is one, then byte 20 behind the onset and
behind each text, and a zero at the end. The first of a data record says, with an empty text, when the record begins.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.errors import BadData

NAMED_MAX: Final = 20
"""So many annotations are listed, then their number."""

TEXT_CHARACTERS_MAX: Final = 80
_LIST: Final = re.compile(rb"([+-]\d{1,12}(?:\.\d*)?)(?:\x15(\d{1,12}(?:\.\d*)?))?\x14(.*)\x14", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Annotation:
    """What was noted at `onset_s`, for `duration_s` (None = not said)."""

    onset_s: float
    duration_s: float | None
    text: str


def read_annotations(path: Path, record: int, parts: Sequence[bytes]) -> tuple[float, list[Annotation]]:
    """Return the onset of a data record in s after the start of the file, and its annotations.

    Args:
        path: the file, for errors.
        record: the record's number from 1, for errors.
        parts: its bytes of each annotation signal.

    Raises:
        BadData: it does not say when it begins, or a list is damaged.
    """
    found: list[Annotation] = []
    onset_s = None
    for place, part in enumerate(parts):
        for number, piece in enumerate(part.split(b"\0")):
            if not piece:
                continue
            matched = _LIST.fullmatch(piece)
            if matched is None:
                raise BadData(f"{path}: data record {record}: a damaged annotation: {piece[:40]!r}")
            texts = matched[3].decode("utf-8", "replace").split("\x14")
            if place == number == 0 and not texts[0]:
                onset_s = float(matched[1])
            duration_s = float(matched[2]) if matched[2] else None
            found += [Annotation(float(matched[1]), duration_s, text) for text in texts if text]
    if onset_s is None:
        raise BadData(f"{path}: data record {record}: does not say when it begins")
    return onset_s, found


def annotation_notes(path: Path, found: Sequence[Annotation]) -> Iterator[str]:
    """List annotations, one a line."""
    for one in found[:NAMED_MAX]:
        lasted = "" if one.duration_s is None else f" for {one.duration_s:g} s"
        yield f"{path}: annotation at {one.onset_s:g} s{lasted}: {one.text[:TEXT_CHARACTERS_MAX]}"
    if len(found) > NAMED_MAX:
        yield f"{path}: {len(found) - NAMED_MAX:,} more annotations"
