"""Bounds in place of values: what each of them settles, against limits that a value may reach or may not."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.comparators import (
    AT_LEAST,
    AT_MOST,
    COMPARATORS,
    LESS,
    MORE,
    NUMBER,
    believed,
    broken_by,
    settled,
    surest,
    written,
)
from clinical.compiled_limits import compile_limits
from clinical.limits import violated
from clinical.rules import LimitRule
from clinical.vitals import COUNT, INDEX
from streams.contracts.frame import Comparator

SPO2 = INDEX["spo2"]
LIMITS = compile_limits(
    [
        LimitRule("low", "spo2", 90.0, None, source="a test"),
        LimitRule("lower", "spo2", 80.0, None, source="a test"),
        LimitRule("high", "spo2", None, 97.0, source="a test"),
        LimitRule("both", "spo2", 85.0, 95.0, source="a test"),
    ]
)


def bound(comparator, limit):
    codes, values = np.zeros((1, COUNT), np.uint8), np.zeros((1, COUNT))
    codes[0, SPO2], values[0, SPO2] = COMPARATORS.index(comparator), limit
    return codes, values


def broken(comparator, limit):
    codes, values = bound(comparator, limit)
    found = broken_by(LIMITS, codes, surest(codes, values))[0]
    return {rule.id for rule, is_broken in zip(LIMITS.rules, found, strict=True) if is_broken}


def test_the_comparators_are_those_of_the_contract_and_a_number_has_none():
    assert ("", *get_args(Comparator)) == COMPARATORS
    assert tuple(map(COMPARATORS.index, ("", "<", "<=", ">=", ">"))) == (
        NUMBER,
        LESS,
        AT_MOST,
        AT_LEAST,
        MORE,
    )


@pytest.mark.parametrize(
    ("comparator", "limit", "rules"),
    [
        ("<", 90, {"low"}),  # what is below 90 is below 90
        ("<=", 90, set()),  # may be 90
        ("<=", 89.9, {"low"}),
        ("<", 95, set()),  # may be 94
        ("<", 85, {"low", "both"}),
        ("<", 40, {"low", "lower", "both"}),
        (">", 85, set()),  # may be 99, or 86
        (">", 97, {"high", "both"}),
        (">=", 97, {"both"}),
        (">=", 98, {"high", "both"}),
    ],
)
def test_a_bound_breaks_a_limit_only_where_every_value_that_it_allows_does(comparator, limit, rules):
    assert broken(comparator, limit) == rules
    codes, values = bound(comparator, limit)
    assert settled(LIMITS, codes, surest(codes, values)).nonzero()[1].tolist() == ([SPO2] if rules else [])


@given(
    st.sampled_from(COMPARATORS[1:]),
    st.integers(700, 1000).map(lambda tenths: tenths / 10),
    st.floats(1, 100),
)
def test_no_value_that_a_bound_allows_is_inside_a_limit_that_it_breaks(comparator, limit, value):
    allowed = {"<": value < limit, "<=": value <= limit, ">=": value >= limit, ">": value > limit}[comparator]
    if allowed:
        values = np.full((1, COUNT), -np.inf)
        values[0, SPO2] = value
        beyond = violated(LIMITS, values)[0]
        assert broken(comparator, limit) <= {
            rule.id for rule, is_beyond in zip(LIMITS.rules, beyond, strict=True) if is_beyond
        }


@given(st.sampled_from(range(1, 5)), st.integers(0, 10_000).map(lambda tenths: tenths / 10))
def test_a_bound_is_written_as_it_came(code, limit):
    sure = float(surest(np.array(code), np.array(limit)))
    assert written(code, sure) == f"{COMPARATORS[code]}{limit:g}"


def test_a_bound_of_what_no_sensor_reports_says_nothing():
    codes, values = bound("<", 400.0)
    assert not believed(codes, values).any()
    codes, values = bound("<", 85.0)
    assert believed(codes, values)[0, SPO2] == LESS
