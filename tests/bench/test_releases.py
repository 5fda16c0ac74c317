"""A release beside ours gets what it knows and nothing else, and one that git does not know is told in one line."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bench.drills.releases import OURS, Release, earlier_release
from edge.options import with_changes
from edge.workers import worker_command, worker_environment
from streams.config.settings import Settings
from streams.errors import UsageError

SETTINGS = Settings(brokers="127.0.0.1:9", group="drill")
EARLIER = Release("0.1", Path("/srv/0.1"), Path("/srv/bin/python"), OURS.settings - {"shadow"})


def test_our_own_release_is_started_as_workers_always_were():
    assert OURS.command("agents") == worker_command()
    assert OURS.environment(SETTINGS) == worker_environment(SETTINGS)


def test_an_earlier_release_runs_its_own_sources_with_its_own_packages():
    assert EARLIER.command("edge", "gateway") == ["/srv/bin/python", "-P", "-m", "edge", "gateway"]
    assert EARLIER.environment(SETTINGS)["PYTHONPATH"] == "/srv/0.1"


def test_an_earlier_release_is_not_given_settings_that_it_does_not_know():
    environment = EARLIER.environment(SETTINGS)
    assert "VIGIL_SHADOW" in OURS.environment(SETTINGS)
    assert "VIGIL_SHADOW" not in environment
    assert environment["VIGIL_GROUP"] == "drill"


def test_a_setting_that_is_chosen_and_not_known_there_is_refused():
    with pytest.raises(UsageError, match=r"shadow: release 0\.1 has no such setting"):
        EARLIER.environment(with_changes(SETTINGS, shadow="0123456789ab"))
    knows = replace(EARLIER, settings=OURS.settings)
    assert knows.environment(with_changes(SETTINGS, shadow="0123456789ab"))["VIGIL_SHADOW"] == "0123456789ab"


def test_a_release_that_git_does_not_know_is_told_with_the_option():
    with pytest.raises(UsageError, match="--from no-such-release"):
        earlier_release("no-such-release")


def test_our_interpreter_is_the_one_that_runs():
    assert OURS.python == Path(sys.executable)
