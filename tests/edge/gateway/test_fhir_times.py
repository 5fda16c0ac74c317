"""The moment of an Observation."""

import pytest

from edge.gateway.accept import Refusal
from edge.gateway.fhir.fhir_times import moment_ms, time_of
from edge.gateway.fhir.resources import Observation, Period


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-03-01T12:00:00+01:00", 1_772_362_800_000),
        ("2026-03-01T11:00:00.2509999999999Z", 1_772_362_800_250),
        ("2026-03-01T11:00:00.5Z", 1_772_362_800_500),
        ("2026-03-01T00:00:00-11:00", 1_772_362_800_000),
    ],
)
def test_a_time_to_the_second_with_its_zone_is_a_moment(text, at_ms):
    assert moment_ms(text) == at_ms


@pytest.mark.parametrize(
    "text",
    [
        *("2026", "2026-03", "2026-03-01", "2026-03-01T11:00Z", "2026-03-01T11:00:00", "now", "1772362800"),
        *("2016-12-31T23:59:60Z", "2026-02-30T00:00:00Z", "2026-03-01T24:00:00Z", "1969-12-31T23:59:59Z"),
        *(
            "2026-03-01T11:00:00+15:00",
            "2026-03-01t11:00:00z",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
        ),
    ],
)
def test_what_is_no_moment_is_refused_with_a_reason(text):
    found = moment_ms(text)
    assert isinstance(found, Refusal)
    assert (found.reason, bool(found.detail)) == ("no-time", True)


def test_a_period_counts_by_its_end_and_two_times_are_none():
    whole = "2026-03-01T11:00:00Z"
    assert time_of(Observation(effectivePeriod=Period(end=whole))) == moment_ms(whole)
    assert time_of(Observation(effectiveInstant=whole)) == moment_ms(whole)
    assert isinstance(time_of(Observation(effectivePeriod=Period())), Refusal)
    assert isinstance(time_of(Observation(effectiveInstant=whole, effectiveDateTime=whole)), Refusal)
