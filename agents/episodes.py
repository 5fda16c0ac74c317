"""The events of an episode are numbered from its start, so that each has an id of its own."""

from clinical.lifecycle import Phase
from tables.patients import PatientTable


def number_event(table: PatientTable, row: int, column: int, phase: int) -> int:
    """Return the number of this event in its episode: 0 for the start; the end makes room for the next episode."""
    number = 0 if phase == Phase.START else int(table.alarm_events[row, column])
    table.alarm_events[row, column] = 0 if phase == Phase.END else number + 1
    return number
