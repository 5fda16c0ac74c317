"""Who is let in: patients of whom a partition knows nothing yet, as long as there is room for more.

A producer that invents patients must not cost a worker its memory. Whether a frame's patient is let in hangs on how
many were known at its place in the log, so that a replay, whose table may hold later patients already, decides alike.
"""

import numpy as np

from streams.decoding.decoded import Frames
from tables.patients import PatientTable


def let_in(table: PatientTable, frames: Frames, patients_max: int) -> tuple[Frames, list[int]]:
    """Give rows to the new patients of some frames, as far as there is room.

    Returns:
        The frames of patients who have a row now, and the offsets of the others.
    """
    new = [i for i, patient in enumerate(frames.patient) if patient not in table.row_of]
    offsets = frames.offset[new].tolist()
    names = [frames.patient[i] for i in new]
    if len(table) + len(table.gone) + len(set(names)) <= patients_max:  # as nearly always
        table.take_in(dict(zip(reversed(names), reversed(offsets), strict=True)))
        return frames, []
    born: dict[str, int] = {}
    refused = []
    for i, name, offset, known in zip(
        new, names, offsets, table.known_at(frames.offset[new]).tolist(), strict=True
    ):
        if name in born:
            continue
        if known + len(born) < patients_max:
            born[name] = offset
        else:
            refused.append(i)
    table.take_in(born)
    kept = np.ones(len(frames), dtype=np.bool_)
    kept[refused] = False
    return frames.take(kept), frames.offset[refused].tolist()
