"""The delays that `vigil evaluate` reports are those of the alarms that a rule set has."""

from pathlib import Path

import pytest

from agents.judging.catalogue import alarms_of
from clinical.rules import DriftRule, RuleSet, ScoreRule, TrendRule
from edge.evaluation.assess import Chosen
from streams.config.rules_file import load_rules
from streams.config.rulesets import path_of

OFF = {
    "classic": {
        "alarms-paused",
        "limits-widened",
        "news2",
        "check-sensor",
        "ward-silent",
        "vital-loss",
        "age-unknown",
        "break-glass",
    },
    "vigil": {"alarms-paused", "limits-widened", "break-glass"},
}


@pytest.mark.parametrize("name", OFF)
def test_every_alarm_of_a_rule_set_has_its_delay_and_one_that_is_off_has_none(name):
    chosen = Chosen(name, path_of(Path(name)), load_rules(Path(name)))
    alarms = {alarm.id: alarm.delay_s or 0.0 for alarm in alarms_of(chosen.rules)}
    own = (
        "misplaced-patient",
        "too-many-patients",
        "unproven-command",
        "unassociated-device",
        "readings-withdrawn",
    )  # of Kafka, not of recordings
    assert chosen.delay_s() == {
        rule: delay for rule, delay in alarms.items() if rule not in (*OFF[name], *own)
    }


def test_scores_trends_and_drifts_have_theirs():
    rules = RuleSet(
        (),
        scores=(ScoreRule("mews", delay_s=7),),
        trends=(TrendRule("hr-trend", "hr", fall=1, delay_s=8),),
        drifts=(DriftRule("hr-drift", "hr", sigma=1, delay_s=9),),
    )
    delays = Chosen("other", Path("other"), rules).delay_s()
    assert [delays[rule] for rule in ("mews", "hr-trend", "hr-drift", "check-sensor")] == [7, 8, 9, 5]
