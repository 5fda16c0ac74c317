"""Why a frame changed no alarm, a condition led to none, or an alarm ended: one word each, the same everywhere.

The words are the labels of the metrics, and docs/alarms.md has a table of them.
"""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why nothing came of a record or a condition, or why an alarm ended whose condition was not seen to be over."""

    REPLAYED = "replayed"
    """A frame that was part of the state already, after a restart."""
    DUPLICATE = "duplicate"
    """A frame whose sequence number had come before."""
    HISTORIC = "historic"
    """A frame that the device had held back: it enters the windows and is not judged."""
    SURPLUS = "surplus"
    """A frame of a babbling device, between two looks."""
    BEYOND_WINDOWS = "beyond-windows"
    """A frame older than the windows reach, which may be judged all the same."""
    REFILED = "refiled"
    """A copy of frames that were another patient's, filed for the record."""

    ENDED_IN_DELAY = "ended-in-delay"
    """A violation that was over before its delay."""
    PAUSED = "paused"
    """An alarm that would have started but for a pause."""
    SENSOR_IN_DOUBT = "sensor-in-doubt"
    """An alarm that would have started but for a sensor that is to be checked."""
    WARD_SILENT = "ward-silent"
    """A silent device that is part of its ward's alarm."""
    LESS_SEVERE = "less-severe"
    """An alarm that would have started but for a more severe one of the same signal."""
    RATE_TOLD = "rate-told"
    """An alarm of a pulse rate that would have started but for that of the same heart rate."""
    ENDED_SUPPRESSED = "ended-withheld"
    """A suppressed alarm whose condition was over before it could start."""

    REPEATED = "repeated"
    """A command that had been answered before."""
    ELSEWHERE = "elsewhere"
    """A command for a patient who neither is in this partition nor belongs there."""

    NOT_MEASURED = "not-measured"
    """An alarm ends because its signal, or too much of its score, is not measured any more."""
    DEVICE_TAKEN_OFF = "device-taken-off"
    """An alarm ends because the only device that it was the reason of was taken off the patient."""
    DISCHARGED = "discharged"
    """An alarm ends with the stay."""
    GONE = "gone"
    """An alarm ends because nothing has come of the patient for the time to live."""
    RULE_GONE = "rule-gone"
    """An alarm ends because its rule is no longer in force."""


NOT_JUDGED: Final = (
    *(Reason.DUPLICATE, Reason.HISTORIC, Reason.REPLAYED, Reason.BEYOND_WINDOWS, Reason.SURPLUS),
    Reason.REFILED,
)
"""Of frames: labels of `frames_not_judged_total`."""

NOT_ALARMED: Final = (
    *(Reason.ENDED_IN_DELAY, Reason.PAUSED, Reason.SENSOR_IN_DOUBT, Reason.WARD_SILENT, Reason.LESS_SEVERE),
    *(Reason.RATE_TOLD, Reason.ENDED_SUPPRESSED),
)
"""Of conditions: labels of `conditions_not_alarmed_total`."""
