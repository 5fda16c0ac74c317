"""The catalogue of alarms: limits first, then what lasts beyond an episode, each alarm once."""

from dataclasses import replace

from agents.judging.alarms import LOSS_SIGNALS, SIGNAL_LOSS, SILENT_DEVICE, UNRELIABLE
from agents.judging.catalogue import LASTING, alarms_of
from clinical.defaults import DEFAULT_RULES
from clinical.rules import ScoreRule

ALARMS = [alarm.id for alarm in alarms_of(DEFAULT_RULES)]


def test_no_alarm_is_there_twice():
    assert len(ALARMS) == len(set(ALARMS))


def test_limits_come_first_in_the_order_of_the_rules():
    assert ALARMS[: len(DEFAULT_RULES.limits)] == [rule.id for rule in DEFAULT_RULES.limits]


def test_silence_losses_and_unreliable_signals_follow_the_limits():
    following = ALARMS[len(DEFAULT_RULES.limits) :][:LASTING]
    names = [signal.name for signal in LOSS_SIGNALS]
    assert following == [
        SILENT_DEVICE,
        *(SIGNAL_LOSS + name for name in names),
        *(UNRELIABLE + name for name in names),
    ]


def test_a_score_of_the_rules_is_an_alarm():
    rules = replace(DEFAULT_RULES, scores=(ScoreRule("pews"),))
    assert {alarm.id for alarm in alarms_of(rules)} - set(ALARMS) == {"pews"}
