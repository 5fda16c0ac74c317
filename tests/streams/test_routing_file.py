"""Routing files: what is wrong is one line with its place; what is right says who is told."""

from datetime import UTC, datetime

import pytest

from streams.config.routing import DEFAULT_ROUTING
from streams.config.routing_file import FILE_BYTES_MAX, load_routing, parse_routing
from streams.errors import UsageError

TEXT = """zone = "Europe/Berlin"

[channels.pager]
kind = "webhook"
url = "https://pager.example/in"

[receivers.nurse]
role = "nurse"
channels = ["pager", "board"]

[receivers.desk]
channels = ["pager"]

[[route]]
name = "night"
ward = ["icu*"]
priority = ["high"]
between = ["19:00", "07:00"]
fallback = "desk"
also = true

[[route.step]]
to = ["nurse"]
wait_s = 60

[[route.step]]
to = ["desk"]

[[route]]
name = "rest"

[[route.step]]
to = ["board"]
"""


def ms(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def names(
    routing, ward="icu-1", priority="high", rule="spo2-low", kind="physiological", at="2026-01-05 22:00"
):
    return [route.name for route in routing.matching(ward, priority, rule, kind, ms(at))]


def test_the_first_route_that_fits_is_taken_and_more_where_it_says_so():
    routing = parse_routing(TEXT, "r.toml")
    assert names(routing) == ["night", "rest"]
    assert names(routing, ward="north") == ["rest"]
    assert names(routing, priority="low") == ["rest"]


def test_times_of_day_are_local_and_may_reach_over_midnight():
    routing = parse_routing(TEXT, "r.toml")
    assert names(routing, at="2026-01-05 18:00") == ["night", "rest"]  # 19:00 in Berlin
    assert names(routing, at="2026-01-05 17:59") == ["rest"]
    assert names(routing, at="2026-01-05 05:59") == ["night", "rest"]
    assert names(routing, at="2026-01-05 06:00") == ["rest"]


def test_a_route_may_be_of_some_days():
    routing = parse_routing(TEXT.replace('between = ["19:00", "07:00"]', 'days = ["sat", "sun"]'), "r.toml")
    assert names(routing, at="2026-01-03 12:00") == ["night", "rest"]
    assert names(routing, at="2026-01-05 12:00") == ["rest"]


def test_without_a_file_boards_are_told_of_everything():
    assert names(DEFAULT_ROUTING, kind="technical", priority="low") == ["everything"]
    assert {channel.kind for channel in DEFAULT_ROUTING.channels.values()} == {"board"}


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ('kind = "webhook"', 'kind = "fax"', "r.toml:4: [channels.pager]: key kind: should be 'board'"),
        ("wait_s = 60", "wait_s = 1", 'r.toml:24: route 1 ("night"), step 1: key wait_s: should be greater'),
        ('to = ["nurse"]', 'to = ["nurze"]', "key to: no receiver 'nurze'; there are board, nurse, desk"),
        ('fallback = "desk"', "", "key fallback: is missing: nurse is of a role that nobody may be assigned"),
        ('fallback = "desk"', 'fallback = "nurse"', "key fallback: receiver nurse is of a role"),
        ("between", "betwen", 'r.toml:18: route 1 ("night"): key betwen: unknown; known keys are name, ward'),
        ("19:00", "25:00", 'key between: should be two times of day, ["19:00", "07:00"]'),
        ("Europe/Berlin", "Mars", "r.toml:1: zone: no time zone 'Mars'"),
        ('name = "rest"', 'name = "night"', "[[route]] 2: key name: another has it"),
        ('to = ["desk"]', "to = []", "step 2: key to: should name at least one"),
        ('["pager", "board"]', '["pagr"]', "[receivers.nurse]: key channels: no channel 'pagr'"),
        ("[receivers.desk]", "[receivers.Desk]", "[receivers.Desk]: the name should be 1 to 64 of a-z"),
        (
            'zone = "Europe/Berlin"',
            "frobs = 1",
            "r.toml:1: frobs: unknown; a file holds zone, [channels.NAME]",
        ),
        ("[channels.pager]", "[channels.pager", "not valid TOML"),
        (TEXT[TEXT.index("[[route]]") :], "", "no [[route]] tables: nobody would be told of anything"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_place(good, bad, complaint):
    with pytest.raises(UsageError) as caught:
        parse_routing(TEXT.replace(good, bad, 1), "r.toml")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_of_a_channel_are_checked_by_its_kind():
    def check(kind, options):
        assert (kind, options) == ("webhook", {"url": "https://pager.example/in"})
        raise ValueError("key url: should name a host of ours")

    with pytest.raises(
        UsageError, match=r"r.toml:3: \[channels.pager\]: key url: should name a host of ours"
    ):
        parse_routing(TEXT, "r.toml", check)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text("#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(UsageError, match="routing file"):
        load_routing(path)
