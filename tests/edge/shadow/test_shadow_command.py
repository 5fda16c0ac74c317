"""What the command refuses before it asks any broker, and how it reads a time."""

from datetime import UTC, datetime, timedelta

import pytest

from edge.cli import main
from edge.commands.shadow import since_of
from edge.shadow.decisions import before_last, decide
from streams.config.settings import Settings
from streams.contracts.people import MAY, ROLES, Person
from streams.errors import UsageError, VigilError

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
WHO = ["--reason", "why", "--brokers", "127.0.0.1:1"]


@pytest.mark.parametrize("role", [role for role in ROLES if "configure" not in MAY[role]])
def test_who_may_not_configure_decides_nothing(role):
    person = Person(id="p", role=role, wards=("*",))
    with pytest.raises(VigilError, match="not allowed"):
        decide(Settings(brokers="127.0.0.1:1"), "switch", person, "why", text=None, file="")


def test_a_time_is_a_moment_or_so_long_ago():
    ago = {"90min": timedelta(minutes=90), "8h": timedelta(hours=8), "2d": timedelta(days=2)}
    for text, delta in ago.items():
        assert since_of(text, NOW) == round((NOW - delta).timestamp() * 1000)
    assert since_of("2026-11-29T12:00", NOW) == since_of("2026-11-29T13:00+01:00", NOW)
    with pytest.raises(UsageError, match="no time"):
        since_of("yesterday", NOW)


def test_nothing_can_be_taken_back_that_was_never_switched():
    with pytest.raises(UsageError, match="never switched"):
        before_last([])


def test_a_switch_wants_rules_or_back_and_not_both(capsys, tmp_path):
    assert main(["shadow", "switch", *WHO]) == 2
    assert main(["shadow", "switch", "--rules", "vigil", "--back", *WHO]) == 2
    assert "--rules FILE, or --back" in capsys.readouterr().err


def test_a_wrong_rules_file_is_told_of_before_anything_is_decided(capsys, tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[[rule]]\nid = "x"\nsignal = "hr"\n')
    assert main(["shadow", "switch", "--rules", str(wrong), *WHO]) == 2
    assert "wrong.toml:1" in capsys.readouterr().err
