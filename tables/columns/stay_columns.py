"""Columns of each patient's stay: where, since when, and which commands have come."""

from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from tables.column import Column, Floats, Ms, Truth

COMMANDS: Final = 32
"""Commands remembered per patient, so that one that arrives again is not applied again."""

NAME_BYTES: Final = 64
"""Longest name of a ward or of whoever commands something: that of any identifier."""

Name = Annotated[NDArray[np.bytes_], Column(f"S{NAME_BYTES}", b"")]


class StayColumns:
    """What commands have said of a patient.

    `since_ms` is when the patient was admitted or discharged; `known_ms` when a command was last remembered, or the
    last that was heard of a patient one of whose devices was taken off then: nobody is forgotten sooner after it than
    after a frame. `age_known` says that somebody said the age band, `oxygen` is what the profile expects, NaN = it
    does not say.

    Written by `agents.judging.command_judge`; a partition's own row and a stream whose device was taken off by
    `agents.judging.partition_alarms` and `agents.judging.association_alarms`.
    """

    age_known: Truth
    oxygen: Annotated[Floats, Column(np.float64, np.nan)]
    ward: Name
    discharged: Truth
    since_ms: Ms
    known_ms: Ms
    commands: Annotated[NDArray[np.uint64], Column(np.uint64, 0, (COMMANDS,))]
