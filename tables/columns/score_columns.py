"""The column of scores that have lapsed."""

from typing import Annotated

import numpy as np

from clinical.limits import NEVER
from clinical.scores import SHEETS
from tables.column import Column, Ints


class ScoreColumns:
    """`lapsed_ms` (rows, scores) is when each score last lapsed: nothing measured before counts any more.

    Written by `agents.judging.scoring`.
    """

    lapsed_ms: Annotated[Ints, Column(np.int64, NEVER, (len(SHEETS),))]
