"""A lost gateway or network: many devices of one ward fall silent together, and that is one alarm for the ward.

Judged within one partition, which holds a share of each ward's patients. The ward's alarm has an onset rounded
down to a minute, so that partitions that lose the same ward at the same moment tell of the same episode.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER

Times = NDArray[np.int64]
Bools = NDArray[np.bool_]

PATIENTS_MIN: Final = 3
"""Fewer silent patients are never a lost ward. Our choice [M]."""

SHARE_MIN: Final = 0.5
"""Share of the ward's patients, in this partition, who must fall silent together. Our choice [M]."""

TOGETHER_MS: Final = 30_000
"""Last frames that lie so close belong to one loss. Our choice [M]."""

NEARLY_MS: Final = 5_000
"""Who will be silent within this counts already: devices of one gateway do not stop in the same instant."""

ONSET_MS: Final = 60_000
"""The onset of a ward's alarm is rounded down to a multiple of this."""

NOWHERE: Final = -1
"""Ward number of a patient whose ward is unknown: never part of a ward's alarm."""


@dataclass(frozen=True, slots=True)
class WardLoss:
    """Arrays of shape (n,): whether a patient is part of a ward's loss, and its onset in ms (`NEVER` if not)."""

    part: Bools
    onset_ms: Times


def ward_loss(
    ward: NDArray[np.int64],
    wards: int,
    now_ms: int,
    seen_ms: Times,
    patience_ms: Times,
    alone: Bools,
    onset_ms: Times,
) -> WardLoss:
    """Find the wards that are lost.

    A ward is lost when at least `PATIENTS_MIN` and `SHARE_MIN` of its patients are silent (one of them for the
    whole of the patience) and sent their last frames within `TOGETHER_MS`. It stays lost while as many of those
    who were part of it are still silent.

    Args:
        ward: (n,) number of each patient's ward, below `wards`, or `NOWHERE`.
        wards: how many wards there are.
        now_ms: time of the tick.
        seen_ms: (n,) when the last frame came, `NEVER` = none.
        patience_ms: (n,) how long a device may be silent.
        alone: (n,) whose silence has been told already, as an alarm of their own.
        onset_ms: (n,) onset of the ward's alarm that the patient is part of, or `NEVER`.
    """
    known = (ward != NOWHERE) & (seen_ms != NEVER) & ~alone
    quiet = now_ms - seen_ms
    part_before = onset_ms != NEVER
    due = known & (quiet >= patience_ms)
    nearly = known & (quiet >= patience_ms - NEARLY_MS)
    number = np.where(known, ward, wards)  # one more place for those who do not count

    last = np.full(wards + 1, NEVER, dtype=np.int64)
    np.maximum.at(last, number[due], seen_ms[due])
    fresh = nearly & (last[number] != NEVER) & (np.abs(last[number] - seen_ms) <= TOGETHER_MS)
    still = nearly & part_before
    silent = fresh | still
    patients = np.bincount(number[known], minlength=wards + 1)
    lost = np.bincount(number[silent], minlength=wards + 1)
    gone = (lost >= PATIENTS_MIN) & (lost >= SHARE_MIN * patients)
    part = silent & gone[number]

    begin = np.full(wards + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(begin, number[part], seen_ms[part])
    begin = begin // ONSET_MS * ONSET_MS
    # A loss that goes on keeps its onset, whoever joins or leaves it.
    told = np.full(wards + 1, NEVER, dtype=np.int64)
    np.maximum.at(told, number[part & part_before], onset_ms[part & part_before])
    onset = np.where(told[number] != NEVER, told[number], begin[number])
    return WardLoss(part, np.where(part, onset, NEVER))
