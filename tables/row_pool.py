"""Which rows of a table's columns somebody has: they are taken, given back and taken again."""

from dataclasses import dataclass, field
from typing import Final

ROWS_MIN: Final = 65_536
"""For so many there is room from the start, which takes no memory: the patients of a worker, and of another that it
takes over, for columns that grow are copied while nobody is judged."""

ROWS_FILLED: Final = 64
"""Rows that are made empty at a time: those behind them take no memory yet."""


@dataclass(slots=True)
class RowPool:
    """`used` of `capacity` rows were ever taken, `free` of these are nobody's again, and `filled` are made empty."""

    capacity: int = field(default_factory=lambda: ROWS_MIN)
    used: int = 0
    filled: int = 0
    free: list[int] = field(default_factory=list)

    def grow(self, count: int) -> bool:
        """Make room for so many more; return whether the columns have to grow, which copies everything."""
        return self.grow_to(self.used - len(self.free) + count)

    def grow_to(self, rows: int) -> bool:
        """Make room for so many in all; return whether the columns have to grow, likewise."""
        before = self.capacity
        while self.capacity < rows:
            self.capacity *= 2
        return self.capacity > before

    def fill(self, count: int) -> range:
        """Return the rows that have to be made empty before so many more are taken."""
        behind, first = min(self.used + count, self.capacity), self.filled
        if behind > first:
            self.filled = min(max(behind, first + ROWS_FILLED), self.capacity)
        return range(first, self.filled)

    def take(self) -> int:
        """Return a row that is somebody's from now on."""
        if self.free:
            return self.free.pop()
        self.used += 1
        return self.used - 1
