"""The report reads from a pause's reminders how many alarms it withheld: the judge's own words, not a copy of them."""

from test_command_judge import Ward

from clinical.rules import LimitRule, News2Rules, RuleSet, TechnicalRules
from edge.reports.episodes import episodes_of

RULES = RuleSet(
    (LimitRule("hr-high", "hr", high=120), LimitRule("spo2-low", "spo2", low=90)),
    TechnicalRules(enabled=False),
    News2Rules(enabled=False),
)


def test_the_most_that_a_pause_withheld_and_how_long_it_was_in_force_is_read_from_its_alerts():
    ward = Ward(RULES)
    ward.frame(1, hr=80, spo2=97)
    ward.order(2, "pause", mode="alarm-off", reason="transport")
    ward.frame(3, hr=150, spo2=97)
    ward.tick(62)  # reminds of one
    ward.frame(63, hr=150, spo2=80)
    ward.tick(122)  # reminds of two
    ward.frame(123, hr=80, spo2=97)
    ward.tick(182)
    ward.order(190, "resume")
    (pause,) = (one for one in episodes_of(ward.worker.alerts.values()) if one.rule == "alarms-paused")
    assert pause.withheld_max == 2
    assert pause.lasted_s(999_000) == 188
    assert pause.ended_ms is not None
