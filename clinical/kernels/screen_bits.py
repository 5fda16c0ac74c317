"""What is found of a patient at a tick, a bit each: who is there, and which steps of the judge have to look at whom."""

from typing import Final

# Who is there:
HEARD: Final = 1 << 0
"""Is monitored, and a device was heard."""
KNOWN: Final = 1 << 1
"""Is heard, and a slow stretch is over."""
BUCKET: Final = 1 << 2
"""Is monitored, and a bucket of the windows is over."""
# Who has to be looked at, and by whom:
PAUSE: Final = 1 << 3
NOTED: Final = 1 << 4
"""Something was noted since the last tick, or its alarm stands."""
SILENCE: Final = 1 << 5
SENSORS: Final = 1 << 6
LOSSES: Final = 1 << 7
DEVICES: Final = 1 << 8
BABBLING: Final = 1 << 9
VITAL_LOSS: Final = 1 << 10
AGE: Final = 1 << 11
WIDENING: Final = 1 << 12
OPEN: Final = 1 << 13
"""Time does something to an open alarm."""
GONE: Final = 1 << 14
SCORE: Final = 1 << 15
"""The first score; each further one has the next bit."""

ASKED: Final = -1 << 3
"""All bits of who has to be looked at."""
