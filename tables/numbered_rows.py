"""The rows of patients whose names have numbers: looked up by name once, then by number."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from streams.decoding.name_column import NameColumn, Texts

NO_ROW = -1


class RowsOfNumbers:
    """Which row the patient of each number has, as far as somebody asked; numbers of one giver at a time."""

    def __init__(self) -> None:
        self._names: Texts | None = None
        self._rows = np.empty(0, np.int64)

    def rows(self, patients: NameColumn, row_of: Mapping[str, int]) -> NDArray[np.int64]:
        """Return the row of each patient, (n,); of one whose number is new here it is that in `row_of`.

        Raises:
            KeyError: one of them has no row.
        """
        names, numbers = patients.names, patients.numbers
        if names is not self._names:
            self._names, self._rows = names, np.empty(0, np.int64)
        if len(self._rows) < len(names.texts):
            rows = np.full(2 * len(names.texts), NO_ROW, np.int64)
            rows[: len(self._rows)] = self._rows
            self._rows = rows
        found: NDArray[np.int64] = self._rows.take(numbers)
        if len(found) and found.min() == NO_ROW:
            for number in np.unique(numbers[found == NO_ROW]).tolist():
                self._rows[number] = row_of[names.texts[number]]
            found = self._rows.take(numbers)
        return found

    def forget(self, row: int) -> None:
        """Forget whose a row is: it may become another's."""
        self._rows[self._rows == row] = NO_ROW
