"""The parts of the judge are made once, of the same alarms."""

from judged_rows import PATIENTS_MAX

from agents.judging.alarms import ALARMS_PAUSED, LIMITS_WIDENED, MISPLACED
from agents.judging.parts import parts_of
from clinical.defaults import DEFAULT_RULES


def test_each_part_has_the_column_of_its_alarm():
    parts = parts_of(DEFAULT_RULES, True, PATIENTS_MAX)
    columns = parts.pauses.column, parts.widenings.column, parts.partition.misplaced
    assert [parts.alarms[column].id for column in columns] == [ALARMS_PAUSED, LIMITS_WIDENED, MISPLACED]
