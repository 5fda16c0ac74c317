"""The column of silences that wait for their ward's decision."""

from tables.column import Ms


class SilenceColumns:
    """`silence_held_ms` is until when an untold silence waits for the ward's decision, or is part of its alarm.

    Written by `agents.judging.ward_silences`.
    """

    silence_held_ms: Ms
