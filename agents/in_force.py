"""Which limits hold for a patient: the patient's own, else those of the age band, else the rules'."""

import numpy as np
from numpy.typing import NDArray

from clinical.limits import violated
from clinical.masks import some
from clinical.rules import CompiledLimits, RuleSet, compile_limits
from tables.patients import PatientTable

Rows = NDArray[np.int64]


class LimitsInForce:
    """The limit rules under one rule set, and for each patient."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = compile_limits(rules.limits)
        self.count = len(rules.limits)
        self.by_integral = any(rule.integral is not None for rule in rules.limits)

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
        low, high = table.alarm_low[rows, : self.count], table.alarm_high[rows, : self.count]
        low = np.where(np.isnan(low), rules.band_low[band], np.maximum(low, rules.bound_low[band]))
        high = np.where(np.isnan(high), rules.band_high[band], np.minimum(high, rules.bound_high[band]))
        return low, high

    def wider(self, table: PatientTable, rows: Rows) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which lower and upper limits of n rows are wider than the age band's, (n, rules) each."""
        (low, high), band = self.sides(table, rows), table.age_band[rows]
        return low < self.rules.band_low[band], high > self.rules.band_high[band]

    def band(self, code: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return an age band's lower and upper limits, (rules,) each."""
        return self.rules.band_low[code], self.rules.band_high[code]

    def bounds(self, code: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the furthest lower and upper limits that an order may set in an age band, (rules,) each."""
        return self.rules.bound_low[code], self.rules.bound_high[code]

    def violated(self, table: PatientTable, rows: Rows, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each value breaks each rule: (n, signals) to (n, rules), by the limits of each row."""
        broken = violated(self.rules, values)
        own = table.own_limits[rows]
        if some(own):
            broken[own] = violated(self.of(table, rows[own]), values[own])
        return broken
