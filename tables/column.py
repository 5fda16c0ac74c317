"""How a column of a table is stored, and how the columns of a class are read from its annotations."""

from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER

ALARMS, RULES = -1, -2
"""In a column's shape: as many as there are alarms, or limit rules."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is stored: its type, what an empty row holds, the shape of a row."""

    dtype: Any
    empty: Any = 0
    row: tuple[int, ...] = ()

    def make(self, rows: int, alarms: int, rules: int) -> NDArray[Any]:
        """Return rows that are still to be filled."""
        widths = {ALARMS: alarms, RULES: rules}
        none = np.empty((0, *(widths.get(width, width) for width in self.row)), self.dtype)
        return self.grown(none, 0, rows)

    def grown(self, column: NDArray[Any], filled: int, rows: int) -> NDArray[Any]:
        """Return the filled rows of a column, and behind them so many in all that are still to be filled."""
        shape = (rows, *column.shape[1:])
        # Neither takes memory where nothing is written yet, nor must the copy.
        new = np.zeros(shape, self.dtype) if self.empty == 0 else np.empty(shape, self.dtype)
        new[:filled] = column[:filled]
        return new

    def fill(self, column: NDArray[Any], rows: range) -> None:
        """Make rows of a column empty that nobody had yet."""
        if self.empty != 0:
            column[rows.start : rows.stop] = self.empty


Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

Ms = Annotated[Ints, Column(np.int64, NEVER)]
Kind = Annotated[Bytes, Column(np.uint8)]
Truth = Annotated[Bools, Column(np.bool_)]


def columns_of(table: type) -> dict[str, Column]:
    """Return the columns that a class declares, by their names."""
    hints = get_type_hints(table, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}
