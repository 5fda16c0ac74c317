"""Numbers that the kernels of the judge have in common with the rest of `clinical`: written out here, as literals.

Compiled code is found again by the sources of this package; a test compares these with where they come from.
"""

from typing import Final

NEVER: Final = -1
"""No such moment."""

NORMAL, DELAYED, ACTIVE, ACKNOWLEDGED, LATCHED, SUPPRESSED = 0, 1, 2, 3, 4, 5
"""States of an alarm (`clinical.lifecycle`)."""

VIOLATED, DUE, BETWEEN, INSIDE, CLEAR, MISSING = 0, 1, 2, 3, 4, 5
SUPPRESS, LATCH = 9, 10
"""What a sample means for an alarm (`clinical.lifecycle`)."""

START: Final = 1
"""Phase of an alarm that begins."""

ILLEGAL: Final = 255
"""State after an event that cannot happen."""

NONE_SUPPRESSED, MEDIUM = -1, 1
"""Ranks up to which alarms are suppressed."""

LIVE, SUSPECT, HISTORIC = 0, 1, 2
"""How the time of a frame was judged (`clinical.sensors.Clock`)."""

PACE_MS: Final = 500
INTERVALS_MISSED: Final = 2
SIGN_OFF_MS: Final = 86_400_000

REPEAT, LATE, NEXT, AGAIN = 0, 1, 2, 3
"""What a frame is to its device (`tables.identification`)."""

LAPS: Final = 65_535
BUCKET_MS: Final = 30_000
SCALE: Final = 100
SAMPLES_MAX: Final = 60_000
FLICKER_SLOT_MS: Final = 15_000
COUNTED_MAX: Final = 60_000

JUDGED, DUPLICATE, HISTORIC_FRAMES, READINGS, SUSPECT_FRAMES, BEYOND_WINDOWS = 0, 1, 2, 3, 4, 5
ENDED_IN_DELAY, ENDED_SUPPRESSED, BY_PAUSE, BY_SEVERITY, BY_RATE = 6, 7, 8, 9, 10
COUNTS: Final = 11
"""Places of what is counted."""
