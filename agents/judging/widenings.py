"""Limits that are wider than the unit's: an advisory alarm that stands as long as a patient has such limits.

Found at ticks from the limits in force, not from the commands, so that it holds as well after other rules took effect.
How wide they were when it was last told is kept as the alarm's worst value: the sum, over the limits, of the share of
the way to the bound.
"""

from typing import Final

import numpy as np

from agents.judging.context import Context
from agents.judging.effective_limits import EffectiveLimits
from agents.judging.episode_events import Episodes
from agents.judging.transitions import Details
from agents.judging.verdict import Verdict
from clinical.lifecycle import ACKNOWLEDGED, NORMAL, Event
from clinical.limits import LOW
from tables.patients import PatientTable

NAMED_MAX: Final = 4
"""Limits that a sentence names; the board has them all."""


class Widenings:
    """Judges whether patients have limits wider than the unit's; `column` is that of the alarm that tells of it."""

    def __init__(self, effective: EffectiveLimits, episodes: Episodes, column: int) -> None:
        self._effective = effective
        self._episodes = episodes
        self.column = column

    def judge(self, context: Context, out: Verdict) -> None:
        """Judge n patients at a tick."""
        table, rows = context.table, context.rows
        rows = rows[table.own_limits[rows] | (table.alarm_state[rows, self.column] != NORMAL)]
        if not len(rows):
            return
        low, high = self._effective.wider(table, rows)
        is_open = table.alarm_state[rows, self.column] != NORMAL
        for i in np.flatnonzero((low | high).any(axis=1) | is_open).tolist():
            self._judge(context, int(rows[i]), out)

    def _judge(self, context: Context, row: int, out: Verdict) -> None:
        table, now_ms = context.table, context.record.now_ms
        width_before, width = float(table.alarm_extreme[row, self.column]), self._width(table, row)
        if width == width_before:
            return
        state = int(table.alarm_state[row, self.column])
        event, note = Event.CHANGE, self.note(table, row)
        if state == NORMAL:
            self._episodes.begin(table, row, self.column, now_ms, LOW)
            event = Event.DUE
        elif width == 0:
            event, note = Event.CLEAR, "limits are the unit's again, or tighter"
        elif state == ACKNOWLEDGED and width > width_before:
            event = Event.WORSE
        out.emit(self._episodes.move(context, row, self.column, event, Details(note=note)))
        table.alarm_extreme[row, self.column] = width or np.nan

    def note(self, table: PatientTable, row: int) -> str:
        """Return in words which limits of a patient are wider, and the unit's beside them."""
        named = [f"{rule} {own:g} instead of {unit:g}" for rule, own, unit, _ in self._found(table, row)]
        more = [f"{len(named) - NAMED_MAX} more"] if len(named) > NAMED_MAX else []
        return ", ".join(named[:NAMED_MAX] + more)

    def _width(self, table: PatientTable, row: int) -> float:
        return sum(
            (abs(unit - own) / abs(unit - bound) for _, own, unit, bound in self._found(table, row)), 0.0
        )

    def _found(self, table: PatientTable, row: int) -> list[tuple[str, float, float, float]]:
        """Return rule, limit in force, the unit's and the bound of each limit that is wider, by rule, low first."""
        rows, band = np.array([row]), int(table.age_band[row])
        sides, wider = self._effective.sides(table, rows), self._effective.wider(table, rows)
        of_unit, bounds = self._effective.unit(band, bool(table.scale2[row])), self._effective.bounds(band)
        found = []
        for column, rule in enumerate(self._effective.rules.rules):
            for side in (0, 1):
                if wider[side][0, column]:
                    own, unit, bound = sides[side][0, column], of_unit[side][column], bounds[side][column]
                    found.append((rule.id, float(own), float(unit), float(bound)))
        return found
