"""What is not measured is not normal: missing readings pause runs, too many of them are told of, saw-teeth too."""

import pytest
from live_bed import LiveBeds

from clinical.rules import LimitRule, RuleSet

pytestmark = pytest.mark.usefixtures("engine")

SPO2_LOW = LimitRule("spo2-low", "spo2", low=90, delay_s=15)
SAW = LimitRule("spo2-low", "spo2", low=90, delay_s=15, excess_s=30)
UNRELIABLE = "unreliable-signal-spo2"


def of_spo2(values, rules=None):
    """Return the beds after one frame and one tick a second with these readings of SpO2."""
    beds = LiveBeds() if rules is None else LiveBeds(rules)
    for at_s, value in enumerate(values):
        beds.frame(at_s, spo2=value, hr=72)
        beds.tick(at_s + 0.5)
    return beds


@pytest.mark.parametrize(
    ("value", "null_every", "rule", "by_s"), [(82, 10, "spo2-low", 75), (70, 4, "spo2-desat", 50)]
)
def test_a_probe_that_flickers_keeps_no_desaturation_from_being_told(value, null_every, rule, by_s):
    bad = [None if at_s % null_every == 0 else value for at_s in range(30, 300)]
    assert of_spo2([97] * 30 + bad).starts()["bed-1", rule] <= by_s


def test_time_without_readings_counts_towards_the_delay():
    beds = of_spo2([85, 85, *[None] * 8, *[85] * 20], RuleSet((SPO2_LOW,)))
    assert beds.starts()["bed-1", "spo2-low"] == 15


def test_a_gap_longer_than_the_rule_s_begins_the_run_anew():
    beds = of_spo2([85, 85, *[None] * 10, *[85] * 20], RuleSet((SPO2_LOW,)))
    assert beds.starts()["bed-1", "spo2-low"] == 27


def test_a_reading_inside_the_limits_ends_a_run_as_ever():
    beds = of_spo2([*[85] * 10, None, 95, None, *[85] * 12], RuleSet((SPO2_LOW,)))
    assert ("bed-1", "spo2-low") not in beds.starts()


@pytest.mark.parametrize(("every", "told"), [(5, True), (6, False)])
def test_a_signal_of_which_a_fifth_is_missing_is_unreliable(every, told):
    beds = of_spo2([None if at_s % every == 0 else 97 for at_s in range(100)])
    assert (("bed-1", UNRELIABLE) in beds.starts()) == told


def test_an_unreliable_signal_is_low_and_after_a_minute_medium_and_ends_when_it_is_measured_again():
    beds = of_spo2([97] * 10 + [None if at_s % 2 else 97 for at_s in range(180)] + [97] * 120)
    told = [
        (phase, at_s) for _, rule, phase, at_s in beds.told() if rule == UNRELIABLE and phase != "continue"
    ]
    assert [phase for phase, _ in told] == ["start", "escalate", "end"]
    assert 60 <= told[0][1] <= 80
    assert 55 <= told[1][1] - told[0][1] <= 70
    assert beds.alert(UNRELIABLE).priority == "low"
    assert beds.alert(UNRELIABLE, "escalate").priority == "medium"
    assert beds.alert(UNRELIABLE).type == "technical"


def test_a_signal_without_any_reading_is_lost_and_not_unreliable():
    starts = of_spo2([97] * 10 + [None] * 120).starts()
    assert ("bed-1", "signal-loss-spo2") in starts
    assert ("bed-1", UNRELIABLE) not in starts


def test_a_saw_tooth_that_is_violated_most_of_the_time_is_told_by_a_rule_with_an_excess():
    saw = [95 if at_s % 10 == 9 else 85 for at_s in range(120)]
    assert ("bed-1", "spo2-low") not in of_spo2(saw, RuleSet((SPO2_LOW,))).starts()
    assert of_spo2(saw, RuleSet((SAW,))).starts()["bed-1", "spo2-low"] < 45


def test_what_is_normal_half_of_the_time_is_not_told_by_an_excess():
    saw = [95 if at_s % 10 < 5 else 85 for at_s in range(240)]
    assert ("bed-1", "spo2-low") not in of_spo2(saw, RuleSet((SAW,))).starts()
