"""Every alarm that can exist under a rule set, in the column order of the patient table."""

from collections.abc import Iterator

from agents.alarms import (
    AGE_UNKNOWN,
    ALARMS_PAUSED,
    BABBLING,
    BACKLOG,
    CHECK_SENSOR,
    CLOCK_SUSPECT,
    DRIFTING,
    LOSS_SIGNALS,
    SIGNAL_LOSS,
    SILENT_DEVICE,
    VITAL_LOSS,
    WARD_SILENT,
    Alarm,
)
from clinical.rules import RuleSet, TechnicalRules
from clinical.scores import NEWS2, SHEETS
from clinical.vitals import INDEX, SIGNALS


def alarms_of(rules: RuleSet) -> tuple[Alarm, ...]:
    """Return all alarms: limits, silent device, signal losses, NEWS2, the pause itself, then other conditions."""
    limits = tuple(
        Alarm(
            rule.id,
            "physiological",
            SIGNALS[INDEX[rule.signal]].title,
            SIGNALS[INDEX[rule.signal]],
            rule.low,
            rule.high,
            rule.delay_s,
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
    news2 = _score(NEWS2.id, rules.news2.delay_s)
    paused = Alarm(ALARMS_PAUSED, "advisory", "alarms")
    scores = (_score(rule.id, rule.delay_s) for rule in rules.scores)
    return (*limits, silent, *losses, news2, paused, *_technical(rules.technical), *scores, *_courses(rules))


def _score(name: str, delay_s: float) -> Alarm:
    sheet = next(sheet for sheet in SHEETS if sheet.id == name)
    return Alarm(name, "physiological", f"{sheet.title} score", delay_s=delay_s, sheet=sheet)


def _technical(rules: TechnicalRules) -> tuple[Alarm, ...]:
    """Return the alarms of sensors and devices that are not to be believed, and of a whole ward."""
    fault_s = rules.device_fault_s
    return (
        Alarm(
            CHECK_SENSOR,
            "technical",
            "check sensor",
            delay_s=rules.check_sensor_s,
            holds="heart rate and pulse rate contradict each other",
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
        Alarm(WARD_SILENT, "technical", "ward", delay_s=rules.silent_device_s, holds="silent"),
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
