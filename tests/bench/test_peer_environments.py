"""Every peer's folder holds what its command needs, and a peer that cannot be had says so in one line."""

import re

import pytest

from bench.peers.environments import FOLDERS, HERE, command, environment
from streams.errors import UsageError, VigilError


@pytest.mark.parametrize("folder", FOLDERS.values())
def test_a_peer_has_a_program_a_page_and_exact_versions(folder):
    assert {"peer.py", "README.md", "requirements.txt"} <= {path.name for path in (HERE / folder).iterdir()}
    lines = (HERE / folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(UsageError, match="'storm'; there are faust, quix"):
        command("storm")


def test_packages_that_cannot_be_had_leave_no_environment_that_looks_made(tmp_path):
    requirements = tmp_path / "peer" / "requirements.txt"
    requirements.parent.mkdir()
    requirements.write_text("--no-index\nnothing==1\n", encoding="utf-8")
    with pytest.raises(VigilError, match="nothing==1"):
        environment(requirements, tmp_path / "cache")
    assert list((tmp_path / "cache").glob("*/complete")) == []
