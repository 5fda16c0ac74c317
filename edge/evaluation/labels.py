"""True and false by expert labels: what each rule set says at the moment of an alarm that experts reviewed. Pure.

Labels: `alarms.csv` beside the recordings (`record,true_alarm`), one monitor alarm a recording, at `ALARM_S`.
Source: PhysioNet/CinC Challenge 2015, whose entries keep or suppress such an alarm; a true one that is suppressed
weighs five times a false one that is kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.evaluation.recorded_episodes import Episode
from edge.readers.table import header_of, rows
from streams.errors import BadData

FILE: Final = "alarms.csv"
COLUMNS: Final = ("record", "true_alarm")

ALARM_S: Final = 300.0
WITHIN_S: Final = 10.0
"""The event begins in the last 10 s before the alarm (challenge 2015, after ANSI/AAMI EC13)."""

MISSED_WEIGHT: Final = 5
"""Challenge 2015: score = (TP + TN) / (TP + TN + FP + 5 FN)."""


@dataclass(frozen=True, slots=True)
class Score:
    """Recordings by label and by what the rules say; shares are None where there is no such recording."""

    true_alarmed: int
    true_quiet: int
    false_alarmed: int
    false_quiet: int

    @property
    def sensitivity(self) -> float | None:
        """Share of the true alarms at which the rules alarm."""
        return _share(self.true_alarmed, self.true_alarmed + self.true_quiet)

    @property
    def specificity(self) -> float | None:
        """Share of the false alarms at which the rules are quiet."""
        return _share(self.false_quiet, self.false_alarmed + self.false_quiet)

    @property
    def challenge(self) -> float | None:
        """The challenge's score, 0 to 1."""
        right = self.true_alarmed + self.false_quiet
        return _share(right, right + self.false_alarmed + MISSED_WEIGHT * self.true_quiet)


def read_labels(folder: Path) -> dict[str, bool]:
    """Return whether each recording's alarm was true; empty where the folder holds no labels.

    Raises:
        BadData: the labels are malformed.
    """
    path = folder / FILE
    if not path.is_file() or not set(COLUMNS) <= set(header_of(path)):
        return {}
    labels = {}
    for row in rows(path):
        value = row["true_alarm"]
        if value.text.strip() not in ("0", "1"):
            raise value.wrong("is not 0 or 1")
        labels[row["record"].text.strip()] = value.text.strip() == "1"
    if not labels:
        raise BadData(f"{path}: holds no label")
    return labels


def score(labels: Mapping[str, bool], episodes: Iterable[Episode]) -> Score:
    """Score a rule set: it alarms where a physiological alarm is open or starts around the labelled alarm."""
    alarmed = alarmed_at(episodes)
    kept = {
        verdict: [name in alarmed for name, label in labels.items() if label == verdict]
        for verdict in (True, False)
    }
    return Score(
        true_alarmed=sum(kept[True]),
        true_quiet=len(kept[True]) - sum(kept[True]),
        false_alarmed=sum(kept[False]),
        false_quiet=len(kept[False]) - sum(kept[False]),
    )


def alarmed_at(episodes: Iterable[Episode]) -> set[str]:
    """Return the patients with an alarm of theirs on at the labelled alarm."""
    return {one.patient for one in episodes if one.type == "physiological" and at_alarm(one)}


def at_alarm(one: Episode) -> bool:
    """Whether the alarm is on from 10 s before the labelled alarm on."""
    return one.end_ms >= (ALARM_S - WITHIN_S) * 1000


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
