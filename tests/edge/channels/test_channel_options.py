"""Options of channels in a routing file: what is wrong is told in one line that names table and option."""

from pathlib import Path

import pytest

from edge.channels.kinds import KINDS, check_options, make_channel, read_options
from edge.channels.process import channels_of
from streams.config.routing import CHANNEL_KINDS
from streams.config.routing_file import parse_routing
from streams.errors import UsageError

PAGE = Path(__file__).parents[3] / "docs" / "channels.md"


def routing_of(table):
    text = f'{table}\n[receivers.r]\nchannels = ["x"]\n[[route]]\nname = "all"\n[[route.step]]\nto = ["r"]\n'
    return parse_routing(text, "ward.toml", check_options)


def test_every_kind_of_the_routing_file_has_its_options_but_the_board():
    assert {*KINDS, "board"} == set(CHANNEL_KINDS)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('kind = "webhook"', "url: Field required"),
        ('kind = "webhook"\nurl = "http://a.example"\nkey_files = ["k"]', "url: https is needed"),
        ('kind = "webhook"\nurl = "https://a.example"\nkey_files = []', "key_files"),
        ('kind = "pagerduty"\nkey_file = "k"\nrouting_key = "R0"', "routing_key"),
        ('kind = "email"\nhost = "m.example"\nsender = "no"\nrecipients = {}', "sender"),
        ('kind = "pcd-04"\nhost = "m.example"\nport = 0', "port"),
        ('kind = "alertmanager"\nurl = "https://a.example"\ntotal_s = 300', "total_s"),
        ('kind = "alertmanager"\nurl = "https://a.example"\nhold_s = 30', "hold_s"),
        ('kind = "board"\ncanary = true', "canary"),
    ],
)
def test_a_wrong_option_is_told_with_its_table(table, said):
    with pytest.raises(UsageError) as error:
        routing_of(f"[channels.x]\n{table}")
    assert said in str(error.value)
    assert "[channels.x]" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_secret_that_is_not_there_is_told_before_anything_is_sent(tmp_path):
    options = read_options("pagerduty", {"key_file": str(tmp_path / "none")})
    with pytest.raises(UsageError, match=r"\[channels.pager\]: key_file: cannot read"):
        make_channel("pager", "pagerduty", options, print)
    (tmp_path / "none").write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        make_channel("pager", "pagerduty", options, print)


def test_boards_need_no_sender():
    routing = routing_of('[channels.x]\nkind = "alertmanager"\nurl = "https://a.example"')
    assert list(channels_of(routing, print)) == ["x"]


def test_every_table_in_the_documentation_is_one_that_is_taken():
    tables = [part.split("```")[0] for part in PAGE.read_text().split("```toml\n")[1:]]
    assert len(tables) == len(KINDS)
    for table in tables:
        name = table.split("]")[0].removeprefix("[channels.")
        routing = routing_of(table + f'\n[receivers.s]\nchannels = ["{name}"]\n[channels.x]\nkind = "board"')
        assert routing.channels[name].kind in KINDS
