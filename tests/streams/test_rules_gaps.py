"""Rules files: gaps and excesses of a rule, and the ids that built-in alarms keep to themselves."""

import pytest

from agents.judging.catalogue import alarms_of
from clinical.rules import GAP_S, RuleSet
from streams.config.rules_file import parse_rules
from streams.errors import UsageError


def test_a_rule_of_a_file_that_names_no_gap_has_that_of_a_built_in_one():
    rule = parse_rules('[[rule]]\nid = "a"\nsignal = "hr"\nhigh = 120\n', "ward.toml").limits[0]
    assert (rule.gap_s, rule.excess_s) == (GAP_S, None)


def test_a_rule_of_a_file_may_have_a_gap_and_an_excess_of_its_own():
    text = '[[rule]]\nid = "a"\nsignal = "hr"\nhigh = 120\ngap_s = 0\nexcess_s = 30\n'
    rule = parse_rules(text, "ward.toml").limits[0]
    assert (rule.gap_s, rule.excess_s) == (0, 30)


def test_every_alarm_that_is_no_limit_s_has_an_id_that_no_rule_can_take():
    built_in = [alarm.id for alarm in alarms_of(RuleSet(()))]
    for name in built_in:
        with pytest.raises(UsageError, match="key id: "):
            parse_rules(f'[[rule]]\nid = "{name}"\nsignal = "hr"\nhigh = 120\n', "ward.toml")
