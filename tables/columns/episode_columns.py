"""Columns of what was emitted of each alarm's open episode, and who is asked to answer for it."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from tables.column import ALARMS, Column
from tables.columns.alarm_columns import AlarmKind, AlarmMs, AlarmValue


class EpisodeColumns:
    """Open episodes, all of shape (rows, alarms).

    `alarm_events` is the number of the next transition, `alarm_told_ms` when the last was emitted. `alarm_step` is the
    step of responsibility that is asked, 0 = none, since `alarm_asked_ms`, with `alarm_answer`. `alarm_paused` is
    whether the pause in force applies to this very episode, `alarm_known` the worst value that somebody knows of.

    Written by `agents.judging.episode_events`.
    """

    alarm_events: Annotated[NDArray[np.uint32], Column(np.uint32, 0, (ALARMS,))]
    alarm_told_ms: AlarmMs
    alarm_step: AlarmKind
    alarm_answer: AlarmKind
    alarm_asked_ms: AlarmMs
    alarm_known: AlarmValue
    alarm_paused: AlarmKind
