"""A column of names: as numbers, which compiled code compares, with the texts for who asks for one."""

from collections.abc import Sequence
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray


class Texts(Protocol):
    """Who gave the numbers: `texts[n]` is the name of number n; two columns compare only under the same one."""

    texts: list[str]


class NameColumn(Sequence[str]):
    """The names of n frames; `numbers`, (n,), are those that `names` gave, from 1 on."""

    __slots__ = ("names", "numbers")

    def __init__(self, names: Texts, numbers: NDArray[np.int64]) -> None:
        self.names, self.numbers = names, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> "NameColumn": ...
    def __getitem__(self, i: int | slice) -> "str | NameColumn":
        return self.take(i) if isinstance(i, slice) else self.names.texts[self.numbers[i]]

    def take(self, chosen: "slice | NDArray[np.int64] | NDArray[np.bool_]") -> "NameColumn":
        """Return the chosen names, by a slice, a mask of shape (n,) or places."""
        return NameColumn(self.names, self.numbers[chosen])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


def numbers_of(names: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the numbers of names, (n,), None where they have none."""
    return names.numbers if isinstance(names, NameColumn) else None
