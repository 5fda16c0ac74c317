"""Every alarm that can exist under a rule set, in the column order of the patient table."""

from collections.abc import Iterator
from typing import Final

from agents.judging.alarms import (
    AGE_UNKNOWN,
    ALARMS_PAUSED,
    BABBLING,
    BACKLOG,
    BREAK_GLASS,
    CHECK_SENSOR,
    CLOCK_SUSPECT,
    DRIFTING,
    IDENTITY_CONFLICT,
    LIMITS_WIDENED,
    LOSS_SIGNALS,
    MISPLACED,
    READINGS_WITHDRAWN,
    SIGNAL_LOSS,
    SILENT_DEVICE,
    TOO_MANY,
    TOO_MANY_DEVICES,
    UNASSOCIATED,
    UNPROVEN,
    UNRELIABLE,
    VITAL_LOSS,
    WARD_SILENT,
    Alarm,
)
from clinical.losses import UNASSOCIATED_S, UNRELIABLE_S, UNRELIABLE_SHARE
from clinical.rules import RuleSet, TechnicalRules
from clinical.scores import NEWS2, SHEETS
from clinical.vitals import INDEX, SIGNALS
from tables.columns.log_columns import DEVICES

LASTING: Final = 1 + 2 * len(LOSS_SIGNALS)
"""Alarms behind the limits that several devices may begin anew: silence, losses, flickers. No two of their episodes
have the same onset, nor have two of a limit."""


def alarms_of(rules: RuleSet) -> tuple[Alarm, ...]:
    """Return all alarms: limits, silent device, signal losses, NEWS2, of the alarm system itself, other conditions."""
    limits = tuple(
        Alarm(
            rule.id,
            "physiological",
            SIGNALS[INDEX[rule.signal]].title,
            SIGNALS[INDEX[rule.signal]],
            rule.low,
            rule.high,
            rule.delay_s,
            never_withheld=rule.is_never_withheld,
        )
        for rule in rules.limits
    )
    silent = Alarm(SILENT_DEVICE, "technical", "device", delay_s=rules.technical.silent_device_s)
    losses = tuple(
        Alarm(
            SIGNAL_LOSS + signal.name,
            "technical",
            signal.title,
            signal,
            delay_s=rules.technical.signal_loss_s,
        )
        for signal in LOSS_SIGNALS
    )
    flickers = tuple(
        Alarm(
            UNRELIABLE + signal.name,
            "technical",
            signal.title,
            signal,
            delay_s=UNRELIABLE_S,
            holds=f"{UNRELIABLE_SHARE:.0%} or more of the last minute's readings are missing",
        )
        for signal in LOSS_SIGNALS
    )
    news2 = _score(NEWS2.id, rules.news2.delay_s)
    advisory = (
        Alarm(ALARMS_PAUSED, "advisory", "alarms"),
        Alarm(LIMITS_WIDENED, "advisory", "limits wider than the unit's"),
    )
    scores = (_score(rule.id, rule.delay_s) for rule in rules.scores)
    return (
        *limits,
        silent,
        *losses,
        *flickers,
        news2,
        *advisory,
        *_of_devices(rules.technical),
        *_beyond_devices(rules.technical),
        *scores,
        *_courses(rules),
    )


def _score(name: str, delay_s: float) -> Alarm:
    sheet = next(sheet for sheet in SHEETS if sheet.id == name)
    return Alarm(name, "physiological", f"{sheet.title} score", delay_s=delay_s, sheet=sheet)


def _of_devices(rules: TechnicalRules) -> tuple[Alarm, ...]:
    """Return the alarms of what is not to be believed."""
    fault_s = rules.device_fault_s
    return (
        Alarm(
            CHECK_SENSOR,
            "technical",
            "check patient and sensor",
            delay_s=rules.check_sensor_s,
            holds="heart rate and pulse rate differ",
        ),
        Alarm(
            BABBLING, "technical", "device", delay_s=fault_s, holds="sends far more frames than it announces"
        ),
        Alarm(
            CLOCK_SUSPECT,
            "technical",
            "device clock",
            delay_s=fault_s,
            holds="disagrees with the broker's, so readings are judged by their arrival",
        ),
        Alarm(
            BACKLOG,
            "technical",
            "device",
            delay_s=fault_s,
            holds="sends only readings that it held back, so nobody is watched live",
        ),
        Alarm(
            IDENTITY_CONFLICT,
            "technical",
            "device identity",
            holds="numbers come again with other content: two devices of one name, or a counter that began again",
        ),
        Alarm(
            TOO_MANY_DEVICES,
            "technical",
            "devices",
            holds=f"more than {DEVICES} of this patient, the one unused longest made room",
        ),
    )


def _beyond_devices(rules: TechnicalRules) -> tuple[Alarm, ...]:
    """Return the alarms of a whole ward, of a partition, and of what nobody measures or has said of a patient."""
    return (
        Alarm(WARD_SILENT, "technical", "ward", delay_s=rules.silent_device_s, holds="silent"),
        Alarm(MISPLACED, "technical", "patient", holds="in the wrong partition"),
        Alarm(
            TOO_MANY, "technical", "partition", holds="has no room for new patients, whose frames are refused"
        ),
        Alarm(
            UNPROVEN, "technical", "partition", holds="was sent orders that do not prove where they came from"
        ),
        Alarm(
            UNASSOCIATED,
            "technical",
            "device",
            delay_s=UNASSOCIATED_S,
            holds="is on no patient that anybody has named, and is judged by itself",
        ),
        Alarm(
            READINGS_WITHDRAWN,
            "technical",
            "readings",
            holds="a device's were another patient's, and are not counted here any more",
        ),
        Alarm(
            VITAL_LOSS,
            "physiological",
            "signs of life",
            delay_s=rules.vital_loss_s,
            holds="lost together, check the patient",
        ),
        Alarm(
            AGE_UNKNOWN,
            "advisory",
            "age",
            delay_s=rules.age_unknown_s,
            holds="nobody said how old the patient is, an adult's limits hold",
        ),
        Alarm(BREAK_GLASS, "advisory", "access"),
    )


def _courses(rules: RuleSet) -> Iterator[Alarm]:
    """Yield the alarms of trends and drifts."""
    for trend in rules.trends:
        signal = SIGNALS[INDEX[trend.signal]]
        holds = f"a minute over {trend.minutes} min"
        yield Alarm(
            trend.id,
            "physiological",
            signal.title,
            signal,
            trend.low,
            trend.high,
            trend.delay_s,
            holds=holds,
        )
    for drift in rules.drifts:
        signal = SIGNALS[INDEX[drift.signal]]
        yield Alarm(drift.id, "physiological", signal.title, signal, delay_s=drift.delay_s, holds=DRIFTING)
