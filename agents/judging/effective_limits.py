"""Which limits hold for a patient: the patient's own, else those of the age band, else the rules'.

Where SpO2 scale 2 is prescribed, limits of the rules and the age band reach no higher than what it aims at.
"""

import numpy as np
from numpy.typing import NDArray

from clinical.compiled_limits import CompiledLimits, compile_limits
from clinical.limits import violated
from clinical.masks import some
from clinical.rules import RuleSet
from tables.patients import PatientTable

Rows = NDArray[np.int64]


class EffectiveLimits:
    """The limit rules under one rule set, and for each patient."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = compile_limits(rules.limits)
        self.count = len(rules.limits)

    def of(self, table: PatientTable, rows: Rows) -> CompiledLimits:
        """Return the limits of n rows, with arrays of shape (n, rules) if any of them has limits of its own."""
        if not some(table.own_limits[rows]):
            return self.rules
        return self.rules.with_limits(*self.sides(table, rows))

    def sides(self, table: PatientTable, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lower and upper limits of n rows, (n, rules) each, -inf and +inf where a rule has none.

        A patient's own hold as far as the bounds: those set under other rules may lie beyond.
        """
        band, rules = table.age_band[rows], self.rules
        unit_low, unit_high = self.unowned(band, table.scale2[rows])
        low, high = table.alarm_low[rows, : self.count], table.alarm_high[rows, : self.count]
        low = np.where(np.isnan(low), unit_low, np.maximum(low, rules.bound_low[band]))
        high = np.where(np.isnan(high), unit_high, np.minimum(high, rules.bound_high[band]))
        return low, high

    def wider(self, table: PatientTable, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which lower and upper limits of n rows are wider than the unit's for them, (n, rules) each."""
        (low, high), unit = self.sides(table, rows), self.unowned(table.age_band[rows], table.scale2[rows])
        return low < unit[0], high > unit[1]

    def unit(self, band: int, scale2: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the unit's lower and upper limits for an age band and a prescribed SpO2 target, (rules,) each."""
        low, high = self.unowned(np.array([band], np.uint8), np.array([scale2]))
        return low[0], high[0]

    def unowned(
        self, age_band: NDArray[np.uint8], scale2: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lower and upper limits of patients without own ones, (n, rules) each, by band and scale, (n,)."""
        low = self.rules.band_low[age_band]
        if some(scale2):
            low[scale2] = np.minimum(low[scale2], self.rules.scale2_low)
        return low, self.rules.band_high[age_band]

    def bounds(self, code: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the furthest lower and upper limits that a command may set in an age band, (rules,) each."""
        return self.rules.bound_low[code], self.rules.bound_high[code]

    def violated(self, table: PatientTable, rows: Rows, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each value breaks each rule: (n, signals) to (n, rules), by the limits of each row."""
        broken = violated(self.rules, values)
        own = table.own_limits[rows]
        if some(own):
            broken[own] = violated(self.of(table, rows[own]), values[own])
        return broken
