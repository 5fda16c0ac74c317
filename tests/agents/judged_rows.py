"""A table of the default rules with one patient, for tests of single parts of the judge."""

import numpy as np

from agents.judging.context import Context, RecordContext
from agents.judging.parts import parts_of
from clinical.defaults import DEFAULT_RULES
from tables.patients import PatientTable

PATIENTS_MAX = 100


class OneRow:
    """The parts of the judge, a table, and the row of its only patient."""

    def __init__(self, rules=DEFAULT_RULES):
        self.parts = parts_of(rules, recorded=True, patients_max=PATIENTS_MAX)
        limits = self.parts.limits.count
        self.table = PatientTable([alarm.id for alarm in self.parts.alarms], limits, limits)
        self.row = self.table.row("bed-1")
        self.column = {alarm.id: number for number, alarm in enumerate(self.parts.alarms)}

    def at(self, now_ms, **by):
        """Return the context of a record at a time."""
        record = RecordContext(now_ms, now_ms, now_ms, now_ms, **by)
        return Context(self.table, np.array([self.row]), record)
