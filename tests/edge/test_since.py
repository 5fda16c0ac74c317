"""`--since` and times in a ward's own clock."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.since import moment_ms, span_ms
from streams.config.settings import load_settings
from streams.contracts.zones import moment, zone
from streams.errors import UsageError

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "ms"), [("90s", 90_000), ("15m", 900_000), ("2h", 7_200_000), ("7d", 604_800_000)]
)
def test_a_span_is_before_now(text, ms):
    assert span_ms(text) == ms
    assert moment_ms(text, NOW_MS) == NOW_MS - ms


@pytest.mark.parametrize(
    "text", ["", "m", "15", "15 m", "-1h", "1.5h", "²h", "2026-03-01T14:05:00", "999999999w"]
)
def test_what_names_no_one_moment_is_refused(text):
    assert moment_ms(text, NOW_MS) is None


def test_a_time_needs_its_zone():
    assert moment_ms("2026-03-01T14:05:00+01:00", NOW_MS) == 1_772_370_300_000
    assert moment_ms("2026-03-01T13:05:00Z", NOW_MS) == 1_772_370_300_000


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_none(text):
    found = moment_ms(text, NOW_MS)
    assert found is None or found >= 0


def test_a_time_is_shown_in_the_zone_with_its_offset():
    vienna = ZoneInfo("Europe/Vienna")
    assert moment(1_772_370_300_999, vienna) == "2026-03-01T14:05:00+01:00"
    assert moment(1_772_370_300_000, ZoneInfo("UTC")) == "2026-03-01T13:05:00Z"


def test_the_hour_that_comes_twice_is_told_apart():
    vienna = ZoneInfo("Europe/Vienna")
    first_ms = moment_ms("2026-10-25T00:30:00Z", 0)
    shown = [moment(first_ms + hour * 3_600_000, vienna) for hour in range(2)]
    assert shown == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]


@pytest.mark.parametrize("name", ["", "Europe", "../etc/passwd", "/etc/passwd", "Europe/Atlantis", "\0"])
def test_a_name_of_no_zone_is_refused(name):
    with pytest.raises(ValueError, match="is no time zone"):
        zone(name)


def test_the_setting_is_checked():
    assert load_settings(time_zone="Asia/Kathmandu").time_zone == "Asia/Kathmandu"
    with pytest.raises(UsageError, match="time_zone"):
        load_settings(time_zone="Mars/Olympus")
