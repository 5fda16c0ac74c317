"""Elements that belong together, by a number of their group: who comes before whom, without a loop."""

from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

SMALL: Final = 1 << 16
"""NumPy sorts 16-bit numbers by radix, several times faster than wider ones."""


class Groups:
    """Elements by the number of their group, (n,), in order; sorted once, however much is asked of them.

    In a small block nobody comes twice: everything is then known without a look at the order.
    """

    def __init__(self, numbers: NDArray[np.int64]) -> None:
        self.numbers = numbers

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Indices that bring equal groups together, (n,), each group's elements in their order."""
        numbers = self.numbers
        if len(numbers) and int(numbers.max()) < SMALL:
            numbers = numbers.astype(np.uint16)
        return np.argsort(numbers, kind="stable")

    @cached_property
    def first(self) -> NDArray[np.bool_]:
        """Whether each element, in `order`, is the first of its group, (n,)."""
        ordered = self.numbers[self.order]
        first = np.ones(len(ordered), dtype=np.bool_)
        np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
        return first

    @cached_property
    def apart(self) -> bool:
        """Whether each element is the only one of its group; asked of a set, which takes less than the order does."""
        return len(set(self.numbers.tolist())) == len(self.numbers)

    @cached_property
    def previous(self) -> NDArray[np.int64]:
        """Index of the previous element of the same group, (n,), -1 for the first of its group."""
        before = np.full(len(self.numbers), -1, dtype=np.int64)
        if not self.apart:
            again = np.flatnonzero(~self.first)
            before[self.order[again]] = self.order[again - 1]
        return before

    def before(self, values: NDArray[np.int64], otherwise: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the value of each element's predecessor in its group, (n,), and for first ones the other value."""
        if self.apart:
            return otherwise
        previous = self.previous
        return np.where(previous < 0, otherwise, values[previous])

    @cached_property
    def rank(self) -> NDArray[np.int64]:
        """How many elements of the same group come before each, (n,)."""
        rank = np.zeros(len(self.numbers), dtype=np.int64)
        if not self.apart:
            at = np.arange(len(rank))
            rank[self.order] = at - np.maximum.accumulate(np.where(self.first, at, 0))
        return rank
