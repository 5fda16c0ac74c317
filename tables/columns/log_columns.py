"""Columns that say how far the log is part of each patient's state, and which devices the patient has."""

from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from tables.column import Column, Ints, Kind, Ms, Truth

DEVICES: Final = 16
"""Devices remembered per patient; the one unused longest makes room."""


class LogColumns:
    """What the log has brought of a patient; `dirty` is set by whoever writes a column of any family.

    `position` is the offset up to which the log is part of the row, `born` that of the record that brought the
    patient, `NEVER` where a record of an older version does not say. `came` is how many frames have come, at most 2;
    `ticked_ms` the last tick; `turn` which look at what may be everybody's is the patient's (`clinical.ticking`),
    which follows from the name. `slots` (rows, DEVICES) are the rows of the patient's devices in `devices`, filled
    from the front; `last_slot` is that of the last frame's; `pushed_out_ms` says when one last had to make room for
    another.

    Written by `agents.judging.frame_judge`, `agents.judging.runs`, `agents.judging.screening` and
    `agents.judging.association_alarms`.
    """

    position: Ms
    born: Ms
    dirty: Truth
    came: Kind
    turn: Kind
    ticked_ms: Ms
    pushed_out_ms: Ms
    slots: Annotated[NDArray[np.int32], Column(np.int32, 0, (DEVICES,))]
    last_slot: Annotated[Ints, Column(np.int64)]
    last_number: Annotated[Ints, Column(np.int64)]
