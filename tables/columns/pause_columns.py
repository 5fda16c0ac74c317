"""Columns of each patient's pause."""

from tables.column import Kind, Ms
from tables.columns.stay_columns import Name


class PauseColumns:
    """`pause_ms` is when the last pause began, by `pause_actor`; `pause_until_ms` when it ends by itself.

    Written by `agents.judging.pauses`.
    """

    pause: Kind
    pause_actor: Name
    pause_ms: Ms
    pause_until_ms: Ms
