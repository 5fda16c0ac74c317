"""How a column of a table is stored, and how the columns of a class are read from its annotations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from tables.reserved import reserved

ALARMS, RULES = -1, -2
"""In a column's shape: as many as there are alarms, or limit rules."""


@dataclass(frozen=True, slots=True)
class Column:
    """How a column is stored: its type, what an empty row holds, the shape of a row."""

    dtype: Any
    empty: Any = 0
    row: tuple[int, ...] = ()

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


def made(
    columns: Mapping[str, Column], rows: int, alarms: int = 0, rules: int = 0
) -> dict[str, NDArray[Any]]:
    """Return columns of so many rows, which are still to be filled."""
    widths = {ALARMS: alarms, RULES: rules}
    layouts = [
        ((rows, *(widths.get(width, width) for width in column.row)), column.dtype)
        for column in columns.values()
    ]
    return dict(zip(columns, reserved(*layouts), strict=True))


def grown(columns: Mapping[str, NDArray[Any]], filled: int, rows: int) -> dict[str, NDArray[Any]]:
    """Return the filled rows of columns, and behind them so many in all that are still to be filled."""
    new = reserved(*(((rows, *column.shape[1:]), column.dtype) for column in columns.values()))
    for after, before in zip(new, columns.values(), strict=True):
        after[:filled] = before[:filled]
    return dict(zip(columns, new, strict=True))


def columns_of(table: type) -> dict[str, Column]:
    """Return the columns that a class declares, by their names."""
    hints = get_type_hints(table, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")}
