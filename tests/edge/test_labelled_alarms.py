"""Labels: the challenge's score, and what became of a pressure collapse, on series made by hand."""

import numpy as np
import pytest

from clinical.rules import LimitRule
from edge.evaluation.collapse import judge_collapse
from edge.evaluation.labels import Score, read_labels, score
from edge.evaluation.recorded_episodes import Episode
from edge.evaluation.series import Series, longest_violation_s, runs
from streams.errors import BadData

RULES = {"own": (LimitRule("abp-sys-low", "abp_sys", low=90, delay_s=10),)}


def episode(patient, start_s, end_s, kind="physiological", rule="abp-sys-low"):
    return Episode(
        patient, rule, kind, "medium", "abp_sys", start_s * 1000, start_s * 1000, end_s * 1000, True, 80.0
    )


def pressure(usual, falls=(), seconds=330):
    """One reading a second at `usual`, but for `falls`: (from s, to s, mmHg)."""
    values = np.full(seconds, float(usual))
    for first_s, last_s, mmhg in falls:
        values[first_s : last_s + 1] = mmhg
    return {"abp_sys": Series(np.arange(seconds) * 1000, values)}


def test_a_true_alarm_at_which_the_rules_are_quiet_weighs_five_times():
    labels = {"a": True, "b": True, "c": False, "d": False, "e": False}
    episodes = [
        episode("a", 100, 295),
        episode("b", 100, 289),
        episode("c", 305, 306),
        episode("d", 0, 330, "technical"),
    ]
    found = score(labels, episodes)
    assert found == Score(true_alarmed=1, true_quiet=1, false_alarmed=1, false_quiet=2)
    assert (found.sensitivity, found.specificity) == (0.5, pytest.approx(2 / 3))
    assert found.challenge == pytest.approx((1 + 2) / (1 + 2 + 1 + 5))


def test_a_perfect_set_of_rules_scores_1_and_one_without_recordings_nothing():
    assert Score(3, 0, 0, 4).challenge == 1.0
    assert Score(0, 0, 0, 0).challenge is None


def test_labels_are_read_from_the_file_beside_the_recordings(tmp_path):
    assert read_labels(tmp_path) == {}
    (tmp_path / "alarms.csv").write_text("record,true_alarm\nv1,1\nv2,0\n")
    assert read_labels(tmp_path) == {"v1": True, "v2": False}
    (tmp_path / "alarms.csv").write_text("record,true_alarm\nv1,yes\n")
    with pytest.raises(BadData, match=r"alarms.csv:2: true_alarm: 'yes' is not 0 or 1"):
        read_labels(tmp_path)


def test_a_pressure_that_holds_is_no_collapse():
    assert judge_collapse("v1", pressure(120), RULES, {"own": []}) is None
    assert judge_collapse("v1", pressure(120, [(100, 200, 60)]), RULES, {"own": []}) is None


@pytest.mark.parametrize(("usual", "low"), [(100, 89), (200, 139)])
def test_a_pressure_below_90_or_below_70_percent_of_its_own_baseline_is_one(usual, low):
    found = judge_collapse("v1", pressure(usual, [(300, 304, low)]), RULES, {"own": []})
    assert (found.begins_s, found.seconds, found.longest_run_s) == (300.0, 5, 5)
    assert (found.baseline_systolic, found.lowest_systolic, found.standing) == (usual, low, False)


def test_a_collapse_is_told_by_a_new_alarm_by_an_old_one_or_not_at_all():
    series = pressure(100, [(300, 320, 70)])
    for episodes, told in (
        ([episode("v1", 310, 325)], "new alarm"),
        ([episode("v1", 100, 325)], "open before"),
        ([episode("v1", 100, 299)], "no"),
        ([episode("v1", 310, 325, rule="pulse-high")], "no"),
        ([], "no"),
    ):
        assert judge_collapse("v1", series, RULES, {"own": episodes}).told("own") == told


def test_a_collapse_that_no_rule_told_says_which_limits_were_crossed_and_for_how_long():
    found = judge_collapse("v1", pressure(100, [(300, 305, 70)]), RULES, {"own": []})
    assert found.crossed == {"own": "abp-sys-low: below 90 for 5 s, delay 10 s"}
    found = judge_collapse("v1", pressure(200, [(300, 305, 120)]), RULES, {"own": []})
    assert found.crossed == {"own": "no limit of the set was crossed"}


def test_a_violation_is_measured_from_its_first_sample_to_its_last_and_a_gap_breaks_it():
    values = np.array([95, 80, 80, np.nan, 80, 80, 80, 90.0])  # the limit itself is no violation
    series = Series(np.arange(8) * 1000, values)
    assert longest_violation_s(series, RULES["own"][0]) == 2.0
    assert longest_violation_s(series, LimitRule("high", "abp_sys", high=100)) is None
    assert list(runs(values < 90)) == [(1, 2), (4, 6)]
