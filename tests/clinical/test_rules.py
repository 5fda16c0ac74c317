"""What a rule says: its limits by age, how far an order may move them, and what no pause holds back."""

import pytest

from clinical.rules import AGE_BANDS, AGE_MONTHS_FROM, CHILDREN, AgeLimits, LimitRule, field_of

CHILD = AgeLimits(low=60, high=160, source="s")
HR = LimitRule("hr", "hr", low=50, high=120, source="adult", paediatric=CHILD, infant=AgeLimits(80, 180))


@pytest.mark.parametrize("band", AGE_BANDS)
def test_a_band_has_its_own_limits_or_a_child_s_or_an_adult_s(band):
    expected = {"infant": (80, 180), "adult": (50, 120), "neonate": (50, 120)}.get(band, (60, 160))
    own = HR.limits(band)
    assert (own.low, own.high) == expected


def test_every_band_but_an_adult_s_has_a_field_of_the_rule():
    for band in AGE_BANDS[1:]:
        assert field_of(band) in LimitRule.__dataclass_fields__
    assert set(AGE_MONTHS_FROM) == {"neonate", *CHILDREN}


def test_an_order_moves_a_limit_as_far_as_its_band_says_and_else_as_far_as_an_adult_s():
    rule = LimitRule(
        "hr", "hr", low=50, high=120, low_min=40, high_max=150, paediatric=AgeLimits(60, 160, high_max=165)
    )
    assert rule.furthest("adult") == (40, 150)
    assert rule.furthest("paediatric") == (50, 165)


def test_where_there_is_no_limit_there_is_nothing_to_move():
    assert LimitRule("spo2", "spo2", low=90).furthest("adult")[1] is None


def test_a_flag_s_limit_cannot_be_moved():
    assert LimitRule("asystole", "asystole", high=0.5).furthest("adult") == (None, 0.5)


def test_a_rule_that_names_when_it_is_worse_asks_no_table():
    assert LimitRule("hr", "hr", high=120, worse_step=7.0).worse_by == (7.0, None)
    assert LimitRule("hr", "hr", high=120).worse_by != (7.0, None)


def test_what_is_never_withheld_is_said_by_the_rule_or_by_its_signal():
    assert LimitRule("hr", "hr", high=120, never_withheld=True).is_never_withheld
    assert LimitRule("asystole", "asystole", high=0.5).is_never_withheld
    assert not LimitRule("hr", "hr", high=120).is_never_withheld
