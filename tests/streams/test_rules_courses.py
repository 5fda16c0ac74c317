"""Rules files: scores, trends and drifts."""

import pytest
from test_rules_file import complaint, rule_text

from clinical.rules import TRENDS_MAX, DriftRule, ScoreRule, TrendRule
from streams.config.rules_file import parse_rules

COURSES = """
[[score]]
id = "mews"
inputs_min = 3
delay_s = 60

[[trend]]
id = "sbp-falling"
signal = "abp_sys"
minutes = 5
fall = 2
low = 90
ahead_min = 15
priority = "medium"

[[drift]]
id = "hr-drift"
signal = "hr"
sigma = 3
threshold = 4
"""


def test_scores_trends_and_drifts_are_read():
    rules = parse_rules(rule_text() + COURSES, "ward.toml")
    assert rules.scores == (ScoreRule("mews", 3, 60),)
    assert rules.trends == (
        TrendRule("sbp-falling", "abp_sys", 5, fall=2, low=90, ahead_min=15, priority="medium"),
    )
    assert rules.drifts == (DriftRule("hr-drift", "hr", sigma=3, threshold=4),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"mews"', '"news2"'), 'ward.toml:7: score 1 ("news2"): key id: should be'),
        (
            ("minutes = 5", "minutes = 16"),
            'ward.toml:14: trend 1 ("sbp-falling"): key minutes: should be less',
        ),
        (('"abp_sys"', '"nbp_sys"'), "trend 1 (\"sbp-falling\"): key signal: should be 'hr'"),
        (("fall = 2\nlow = 90", ""), "key fall: is missing, and so are rise, low and high"),
        (("low = 90", "low = 3"), "key low: should be 10 to 350 mmHg, got 3"),
        (('"sbp-falling"', '"backlog"'), 'trend 1 ("backlog"): key id: reserved'),
        (('"hr-drift"', '"sbp-falling"'), 'drift 1 ("sbp-falling"): key id: trend 1 has the same id'),
        (("sigma = 3", ""), 'drift 1 ("hr-drift"): key sigma: is missing'),
    ],
)
def test_a_wrong_score_trend_or_drift_is_named_with_its_line(change, says):
    text = rule_text() + COURSES.replace(*change)
    assert says in complaint(text)


def test_more_trends_than_the_bound_are_refused():
    many = "".join(f'[[drift]]\nid = "d{i}"\nsignal = "hr"\nsigma = 3\n' for i in range(TRENDS_MAX + 1))
    assert f"at most {TRENDS_MAX}" in complaint(rule_text() + many)
    assert "score: not a list of tables; write [[score]]" in complaint("score = 3\n" + rule_text())
