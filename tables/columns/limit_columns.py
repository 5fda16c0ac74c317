"""Columns of the limits that hold for each patient."""

from typing import Annotated

import numpy as np

from tables.column import RULES, Column, Floats, Kind, Truth

LimitValue = Annotated[Floats, Column(np.float64, np.nan, (RULES,))]


class LimitColumns:
    """The patient's own limits, (rows, limit rules), NaN where the rule's hold, and what the unit's hang on.

    `own_limits` says that they, the age band or the SpO2 scale differ from the rules.

    Written by `agents.judging.limit_commands`.
    """

    alarm_low: LimitValue
    alarm_high: LimitValue
    own_limits: Truth
    age_band: Kind
    scale2: Truth
