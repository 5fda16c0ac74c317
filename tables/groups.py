"""Elements that belong together, by a number of their group: who comes before whom, without a loop."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SMALL: Final = 1 << 16
"""NumPy sorts 16-bit numbers by radix, several times faster than wider ones."""


def stable_order(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices that bring equal groups together, (n,), each group's elements in their order."""
    if len(groups) and int(groups.max()) < SMALL:
        return np.argsort(groups.astype(np.uint16), kind="stable")
    return np.argsort(groups, kind="stable")


def previous(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the index of the previous element of the same group, (n,), -1 for the first of its group."""
    order = stable_order(groups)
    ordered = groups[order]
    before = np.full(len(groups), -1, dtype=np.int64)
    same = ordered[1:] == ordered[:-1]
    before[order[1:][same]] = order[:-1][same]
    return before


def occurrence(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many elements of the same group come before each, (n,)."""
    order = stable_order(groups)
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    rank = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    result = np.empty(len(groups), dtype=np.int64)
    result[order] = rank
    return result
