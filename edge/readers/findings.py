"""Readings that no sensor can report: the judge takes them for none, and the reader says so."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from clinical.vitals import INDEX, SIGNALS
from edge.readings import as_number

CONVERTIBLE: Final = frozenset({"Cel", "mm[Hg]", "%"})
"""Units of signals that recordings hold in others, too."""


class Implausible:
    """Counts each signal's readings outside what a working sensor can report (`clinical.vitals`)."""

    def __init__(self) -> None:
        self._readings: dict[str, int] = {}
        self._outside: dict[str, tuple[int, float, float]] = {}

    def add(self, signals: Mapping[str, object]) -> None:
        """Take in one frame."""
        for signal, value in signals.items():
            if value is None:
                continue
            self._readings[signal] = self._readings.get(signal, 0) + 1
            if isinstance(value, float) and np.isnan(as_number(signal, value)):
                count, low, high = self._outside.get(signal, (0, value, value))
                self._outside[signal] = (count + 1, min(low, value), max(high, value))

    def notes(self, path: Path) -> Iterator[str]:
        """Say for each signal how many of its readings are none, and what they look like."""
        for signal, (count, low, high) in self._outside.items():
            bounds = SIGNALS[INDEX[signal]]
            most = 2 * count > self._readings[signal] and bounds.ucum in CONVERTIBLE
            hint = f"; in another unit? {signal}=COLUMN[UNIT]" if most else ""
            yield (
                f"{path}: {signal}: {count:,} of {self._readings[signal]:,} readings ({low:g} to {high:g}) are outside "
                f"{bounds.low:g} to {bounds.high:g} {bounds.unit} and count as none{hint}"
            )
