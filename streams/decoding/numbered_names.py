"""Names and their numbers, as compiled code finds them."""

import random
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.kernels.name_search import NameTable, enter
from streams.decoding.name_column import NameColumn

_FIRST_SLOTS: Final = 1_024
_FIRST_BYTES: Final = 16_384


class Names:
    """Gives names their numbers, from 1 on in the order in which they come, and never another one."""

    def __init__(self) -> None:
        self.texts: list[str] = [""]
        """The name of each number; of 0 none."""
        self._numbers: dict[str, int] = {}
        self._seed = random.getrandbits(62)  # nobody can know which names lie in one place
        self._slots, self._ends = np.zeros(_FIRST_SLOTS, np.int64), np.zeros(_FIRST_SLOTS, np.int64)
        self._followers = np.zeros(_FIRST_SLOTS, np.int64)
        self._text = np.empty(_FIRST_BYTES, np.uint8)
        self.table = self._addresses()

    def _addresses(self) -> NameTable:
        """Return where the arrays lie, which stay there until others take their place."""
        slots, ends, text, followers = (
            array.ctypes.data for array in (self._slots, self._ends, self._text, self._followers)
        )
        return self._seed, slots, len(self._slots), ends, text, followers

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the number of each name, (n,); who is new gets the next one."""
        if new := [name for name in dict.fromkeys(names) if name not in self._numbers]:
            self._take_in(new)
        return np.fromiter(map(self._numbers.__getitem__, names), np.int64, len(names))

    def column(self, names: Sequence[str]) -> NameColumn:
        """Return names by number, (n,)."""
        return NameColumn(self, self.numbers(names))

    def _take_in(self, new: Sequence[str]) -> None:
        first, last = len(self.texts), len(self.texts) + len(new) - 1
        self.texts += new
        self._numbers.update(zip(new, range(first, last + 1), strict=True))
        pieces = [name.encode() for name in new]
        behind = self._ends[first - 1] + np.cumsum([len(piece) for piece in pieces])
        self._ends, self._text = _grown(self._ends, last + 1), _grown(self._text, int(behind[-1]))
        self._followers = _grown(self._followers, last + 1)
        self._text[self._ends[first - 1] : behind[-1]] = np.frombuffer(b"".join(pieces), np.uint8)
        self._ends[first : last + 1] = behind
        if 2 * last > len(self._slots):  # at most half full: few names lie far from where they belong
            self._slots, first = np.zeros(4 << last.bit_length() - 1, np.int64), 1
        self.table = self._addresses()
        enter(self.table, first, last)


def _grown(array: NDArray, length: int) -> NDArray:  # type: ignore[type-arg]
    """Return the array, or a longer one that begins with it."""
    if length <= len(array):
        return array
    new = np.zeros(2 * length, array.dtype)
    new[: len(array)] = array
    return new
