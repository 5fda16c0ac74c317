"""Times as HL7 writes them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.hl7.hl7_times import day_of, moment_ms
from edge.gateway.hl7.observations import time_of
from edge.gateway.hl7.split import USUAL_MARKS

BERLIN = ZoneInfo("Europe/Berlin")
NOON_MS = 1_795_953_600_000  # 2026-11-29 12:00 UTC


@pytest.mark.parametrize(
    ("text", "after_noon_ms"),
    [
        ("20261129120000", 0),
        ("202611291200", 0),
        ("20261129120001.5", 1_500),
        ("20261129120000.1234", 123),
        ("20261129120000.12345678+0000", 123),
        ("20261129130000+0100", 0),
        ("20261129063000-0530", 0),
        ("202611291300+0100", 0),
        (" 20261129120000 ", 0),
        ("20261129130000250+0100", 250),
    ],
)
def test_a_time_is_read_with_and_without_fraction_and_zone(text, after_noon_ms):
    assert moment_ms(text, UTC) == NOON_MS + after_noon_ms


def test_a_time_without_a_zone_is_one_of_the_sender():
    assert moment_ms("20261129130000", BERLIN) == NOON_MS
    assert moment_ms("20260729140000", BERLIN) == moment_ms("20260729120000+0000", UTC)


def test_the_hour_that_comes_twice_is_the_first_one_at_every_gateway():
    assert moment_ms("20261025023000", BERLIN) == moment_ms("20261025003000", UTC)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "202611", "20261129", "2026112912", "20261340120000", "20261129126100", "20261129120000+9",
     "20261129120000Z", "2026-11-29T12:00:00", "nonsense", "99991231235959", "19691231000000", "٢٠٢٦١١٢٩١٢٠٠٠٠",
     "20261129120000+9999", "2026112912000025", "202611291200.5", "00000000000000"],
)  # fmt: skip
def test_what_is_no_time_of_a_reading_is_none(text):
    assert moment_ms(text, UTC) is None


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 30)),  # noqa: DTZ001 - the zone follows
    st.integers(-14 * 60, 14 * 60),
)
def test_every_time_with_a_zone_is_the_moment_that_datetime_says(naive, minutes):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    text = f"{moment:%Y%m%d%H%M%S}.{moment.microsecond // 1000:03d}{moment:%z}"
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert moment_ms(text, BERLIN) == (moment - epoch) // timedelta(milliseconds=1)


def test_a_day_and_an_hour_are_days():
    assert [day_of(text) for text in ("20261129", "2026112912", "202611291200", "2026", "")] == [
        "20261129", "20261129", "", "", "",
    ]  # fmt: skip


OBX, OBR, MSH = "20261129115958", "20261129115959", "20261129120000"


@pytest.mark.parametrize(
    ("own", "order", "message", "after_noon_ms"),
    [
        (OBX, OBR, MSH, -2_000),
        ("", OBR, MSH, -1_000),
        ('""', OBR, MSH, -1_000),
        ("", "", MSH, 0),
        (f"{OBX}^S", OBR, MSH, -2_000),
        ("20261129", OBR, MSH, -1_000),
        ("20261129", "20261129", MSH, 0),
    ],
)
def test_the_nearest_time_counts(own, order, message, after_noon_ms):
    assert time_of(own, order, message, USUAL_MARKS, UTC) == NOON_MS + after_noon_ms


@pytest.mark.parametrize(
    ("own", "order", "message"),
    [("20261128", OBR, MSH), ("20261129", "", ""), ("", "", ""), ("soon", OBR, MSH), ("", "20261128", MSH)],
)
def test_where_the_nearest_time_says_something_else_there_is_none(own, order, message):
    assert time_of(own, order, message, USUAL_MARKS, UTC) is None
