"""How far apart limits must be, and in which order: what no setting may do."""

import pytest

from clinical.gaps import bound_faults, joint_fault, limit_faults, limit_gap, order_fault


@pytest.mark.parametrize(
    ("signal", "gap"), [("hr", 2), ("spo2", 2), ("nbp_sys", 5), ("abp_mean", 5), ("temp", 0.2)]
)
def test_the_gap_is_that_of_the_signal(signal, gap):
    assert limit_gap(signal) == pytest.approx(gap)


def test_limits_as_near_as_the_gap_are_right_and_nearer_ones_are_not():
    assert list(limit_faults("temp", 36.0, 36.2)) == []
    assert [side for side, _ in limit_faults("temp", 36.0, 36.1)] == ["high"]
    assert list(limit_faults("nbp_sys", 100, 105)) == []
    assert [side for side, _ in limit_faults("nbp_sys", 100, 104)] == ["high"]


def test_a_limit_outside_of_what_the_signal_can_be_is_told_for_its_side():
    assert [side for side, _ in limit_faults("spo2", -1, None)] == ["low"]
    assert [side for side, _ in limit_faults("spo2", 80, 101)] == ["high"]
    assert list(limit_faults("spo2", None, None)) == []


def test_a_bound_on_orders_lies_at_its_limit_or_further_out():
    assert list(bound_faults("hr", 50, 120, 50, 140)) == []
    assert [name for name, _ in bound_faults("hr", 50, 120, 51, 119)] == ["low_min", "high_max"]
    assert [name for name, _ in bound_faults("hr", None, 120, 40, None)] == ["low_min"]


def test_a_more_urgent_rule_stands_further_out():
    assert order_fault([("medium", 90, None), ("high", 85, None)]) is None
    assert "higher low limit of high priority" in order_fault([("medium", 85, None), ("high", 90, None)])
    assert "lower high limit of high priority" in order_fault([("low", None, 130), ("high", None, 120)])
    assert order_fault([("medium", 90, None), ("medium", 85, None)]) is None


def test_limits_of_different_rules_keep_the_gap_too():
    assert joint_fault("hr", [("medium", 50, None), ("high", None, 120)]) is None
    assert joint_fault("hr", [("medium", 119, None), ("low", None, 120)]).startswith(
        "high should be at least 2"
    )
    assert joint_fault("hr", [("medium", 500, None)]).startswith("low should be")
