"""Commands on a patient's limits: what may be set, how far, and when a reason is needed.

Tighter limits than the unit's only have to fit together. Wider ones end at the bounds of the rule, and past half the
way there somebody has to say why. What a device decided itself has no limit that could be set.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.judging.effective_limits import EffectiveLimits
from agents.judging.episode_events import Refused
from clinical.bounds import REASON_SHARE
from clinical.gaps import ROUNDING, joint_fault
from clinical.masks import some
from clinical.rules import PRIORITIES, LimitRule
from clinical.vitals import FLAGS, INDEX, SIGNALS
from streams.contracts.command import SetLimits
from tables.patients import PatientTable

Limits = NDArray[np.float64]
"""Limits of one side, one a rule; of a patient's own, NaN where the age band's hold."""


SIDES: Final = ("low", "high")


class Unit(NamedTuple):
    """What the unit's limits for a patient hang on: the age band, and whether SpO2 scale 2 is prescribed."""

    age_band: int
    scale2: bool


class LimitCommands:
    """Takes commands on limits and age bands under one rule set, or refuses them."""

    def __init__(self, effective: EffectiveLimits) -> None:
        self._effective = effective
        self._rules: tuple[LimitRule, ...] = effective.rules.rules

    def set_limits(self, table: PatientTable, row: int, command: SetLimits) -> None:
        """Set limits of one rule for one patient, or go back to the age band's.

        Raises:
            Refused: there is no such limit, it lies beyond the bound, it needs a reason, or does not fit to others.
        """
        column, unit = self._column(command.rule), Unit(int(table.age_band[row]), bool(table.scale2[row]))
        low, high = self._own(table, row)
        if command.low is None and command.high is None:
            low[column] = high[column] = np.nan
        wanted = [
            (side, limit) for side, limit in enumerate((command.low, command.high)) if limit is not None
        ]
        for side, limit in wanted:
            if not np.isfinite(self._effective.unit(*unit)[side][column]):
                raise Refused(f"{command.rule} has no {SIDES[side]} limit")
            self._refuse_beyond_the_bound(column, side, limit, unit)
            (low, high)[side][column] = limit
        self._refuse_what_stands_in_the_way(column, low, high, unit)
        for side, limit in wanted:
            self._refuse_without_a_reason(column, side, limit, unit, command.reason)
        self._put(table, row, low, high, unit, {self._rules[column].signal})

    def set_profile(self, table: PatientTable, row: int, band: int, scale2: bool) -> None:
        """Set the age band and whether SpO2 scale 2 is prescribed; limits of the patient's own stay.

        Raises:
            Refused: a limit of the patient's own lies beyond the new bounds, or does not fit to the new limits.
        """
        low, high, unit = *self._own(table, row), Unit(band, scale2)
        for side, own in enumerate((low, high)):
            for column in np.flatnonzero(~np.isnan(own)).tolist():
                self._refuse_beyond_the_bound(column, side, float(own[column]), unit)
        own_columns = np.flatnonzero(~(np.isnan(low) & np.isnan(high))).tolist()
        self._put(table, row, low, high, unit, {self._rules[column].signal for column in own_columns})

    def _own(self, table: PatientTable, row: int) -> tuple[Limits, Limits]:
        rules = slice(0, self._effective.count)
        return table.alarm_low[row, rules].copy(), table.alarm_high[row, rules].copy()

    def _column(self, name: str) -> int:
        column = next((i for i, rule in enumerate(self._rules) if rule.id == name), None)
        if column is None:
            raise Refused(f"no limit rule {name!r}; known are {', '.join(rule.id for rule in self._rules)}")
        if self._rules[column].signal in FLAGS:
            raise Refused(f"{name} is yes or no: there is no limit to set")
        return column

    def _ends(self, column: int, side: int, unit: Unit) -> tuple[float, float]:
        """Return the unit's limit and the bound of a rule."""
        limit, bound = self._effective.unit(*unit)[side], self._effective.bounds(unit.age_band)[side]
        return float(limit[column]), float(bound[column])

    def _refuse_beyond_the_bound(self, column: int, side: int, limit: float, unit: Unit) -> None:
        own, bound = self._ends(column, side, unit)
        if (bound - limit if side == 0 else limit - bound) > ROUNDING:
            rule, least = self._rules[column], ("at least", "at most")[side]
            of = SIGNALS[INDEX[rule.signal]].unit
            raise Refused(
                f"{rule.id}: {SIDES[side]} may be {least} {bound:g} {of}, got {limit:g}; the unit's is {own:g}"
            )

    def _refuse_without_a_reason(self, column: int, side: int, limit: float, unit: Unit, reason: str) -> None:
        own, bound = self._ends(column, side, unit)
        outwards = own - limit if side == 0 else limit - own
        if not reason and outwards > REASON_SHARE * abs(own - bound) + ROUNDING:
            raise Refused(
                f"{self._rules[column].id}: {SIDES[side]} {limit:g} is more than half the way from the unit's "
                f"{own:g} to the bound {bound:g}: it needs a reason"
            )

    def _refuse_what_stands_in_the_way(self, column: int, low: Limits, high: Limits, unit: Unit) -> None:
        """Refuse limits of a rule that cross those of a more or a less severe one of the signal, and name that."""
        mine, sides = self._rules[column], self._together(low, high, unit)
        for out, limits in zip((-1, 1), sides, strict=True):
            for other, rule in enumerate(self._rules):
                above = PRIORITIES.index(rule.priority) - PRIORITIES.index(mine.priority)
                ends = np.isfinite(limits[column]) and np.isfinite(limits[other])
                if rule.signal != mine.signal or not above or not ends:
                    continue
                # The more severe one has to lie further out.
                if (limits[column] - limits[other]) * out * above > 0:
                    move = "raise" if out * above > 0 else "lower"
                    raise Refused(f"{rule.id} is {limits[other]:g}: {move} it first, or both")

    def _together(self, low: Limits, high: Limits, unit: Unit) -> tuple[Limits, Limits]:
        """Return the limits that hold together: a patient's own, else the age band's."""
        of_unit = self._effective.unit(*unit)
        return np.where(np.isnan(low), of_unit[0], low), np.where(np.isnan(high), of_unit[1], high)

    def _put(
        self, table: PatientTable, row: int, own_low: Limits, own_high: Limits, unit: Unit, signals: set[str]
    ) -> None:
        """Take limits and age band, unless the limits of one of the signals do not fit together then."""
        low, high = self._together(own_low, own_high, unit)
        for signal in sorted(signals):
            together = [
                (rule.priority, _limit(low[column]), _limit(high[column]))
                for column, rule in enumerate(self._rules)
                if rule.signal == signal
            ]
            if fault := joint_fault(signal, together):
                raise Refused(f"limits of {signal}: {fault}")
        rules = slice(0, self._effective.count)
        table.alarm_low[row, rules], table.alarm_high[row, rules] = own_low, own_high
        table.age_band[row], table.scale2[row] = unit
        own = ~(np.isnan(own_low) & np.isnan(own_high))
        table.own_limits[row] = some(own) or unit != (0, False)


def _limit(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
