"""What an alarm is, and the names of those that no limit rule describes."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from clinical.scores import Sheet
from clinical.vitals import INDEX, SIGNALS, Signal
from streams.contracts.alert import AlertType

SILENT_DEVICE: Final = "silent-device"
SIGNAL_LOSS: Final = "signal-loss-"
ALARMS_PAUSED: Final = "alarms-paused"
LIMITS_WIDENED: Final = "limits-widened"
CHECK_SENSOR: Final = "check-sensor"
BABBLING: Final = "babbling-device"
UNRELIABLE: Final = "unreliable-signal-"
IDENTITY_CONFLICT: Final = "identity-conflict"
TOO_MANY_DEVICES: Final = "too-many-devices"
CLOCK_SUSPECT: Final = "clock-suspect"
BACKLOG: Final = "backlog"
WARD_SILENT: Final = "ward-silent"
MISPLACED: Final = "misplaced-patient"
TOO_MANY: Final = "too-many-patients"
UNPROVEN: Final = "unproven-command"
UNASSOCIATED: Final = "unassociated-device"
READINGS_WITHDRAWN: Final = "readings-withdrawn"
VITAL_LOSS: Final = "vital-loss"
AGE_UNKNOWN: Final = "age-unknown"
BREAK_GLASS: Final = "break-glass"

DRIFTING: Final = "standard deviations of drift in 15 min"

LOSS_SIGNALS: Final = tuple(signal for signal in SIGNALS if signal.periodic)
"""Signals whose loss is an alarm; an aperiodic one is expected to be absent."""

LOSS_COLUMNS: Final = np.array([INDEX[signal.name] for signal in LOSS_SIGNALS])


@dataclass(frozen=True, slots=True)
class Alarm:
    """One column of the patient table's alarms; limits and delay in the signal's unit and s.

    `holds` says in words what the condition is, where it is neither a limit nor a loss nor a score;
    `never_withheld` that no pause covers it unless it was open when the pause began.
    """

    id: str
    type: AlertType
    title: str
    signal: Signal | None = None
    low: float | None = None
    high: float | None = None
    delay_s: float | None = None
    sheet: Sheet | None = None
    holds: str = ""
    never_withheld: bool = False
