"""Columns of what each alarm is: its state, its onset and its worst value."""

from typing import Annotated

import numpy as np

from clinical.limits import NEVER
from tables.column import ALARMS, Bytes, Column, Floats, Ints

AlarmMs = Annotated[Ints, Column(np.int64, NEVER, (ALARMS,))]
AlarmKind = Annotated[Bytes, Column(np.uint8, 0, (ALARMS,))]
AlarmValue = Annotated[Floats, Column(np.float64, np.nan, (ALARMS,))]


class AlarmColumns:
    """Alarms as their judges leave them, all of shape (rows, alarms).

    `alarm_clear_ms` of a limit or a loss is the onset of its last episode that is over. An alarm with levels has no
    such onset, no worst value and no area: `tables.told_levels` keeps since when its three levels differ in
    `alarm_clear_ms`, `alarm_extreme` and `alarm_area`. Columns of their own would be as wide as all alarms are and take
    a sixth of what a patient may take, and the records of the changelog have no room for them. Of a limit `alarm_area`
    is likewise the code of the worst value's comparator (`clinical.comparators`): nought, it is a number.

    Written by `agents.judging.runs` and `agents.judging.compiled_judge` for limits, `agents.judging.tick_alarms` and
    `agents.judging.tick_judge` at ticks, `agents.judging.episode_events` for what begins and comes to rest; the alarms
    that no rule times are noted by `agents.judging.association_alarms`, `agents.judging.partition_alarms`,
    `agents.judging.broken_glass` and `agents.judging.widenings`.
    """

    alarm_state: AlarmKind
    alarm_priority: AlarmKind
    alarm_onset_ms: AlarmMs
    alarm_clear_ms: AlarmMs
    alarm_extreme: AlarmValue
    alarm_area: Annotated[Floats, Column(np.float64, 0, (ALARMS,))]
