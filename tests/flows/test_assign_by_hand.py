"""`vigil assign`: what one says, another one sees."""

import json
import uuid

import pytest
from click.testing import CliRunner

from edge.commands.assign import assign
from edge.identity.accounts import Account, Accounts, new_token, save_accounts
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics


class Hand:
    def __init__(self, bootstrap):
        self.where = ["--brokers", bootstrap, "--prefix", f"{uuid.uuid4().hex[:8]}."]
        apply_topics(Settings(brokers=bootstrap, topic_prefix=self.where[-1], partitions=2))

    def run(self, *words):
        found = CliRunner().invoke(assign, [*words, *self.where])
        return found.exit_code, found.output.strip() or str(found.exception)

    def on(self, *words):
        said = CliRunner().invoke(assign, ["list", "--json", *words, *self.where]).output
        return [(one["place"], one["role"], one["person"]) for one in map(json.loads, said.splitlines())]


@pytest.fixture
def hand(broker):
    return Hand(broker.bootstrap)


def test_who_is_on_is_said_seen_and_cleared(hand):
    until = ["--until", "2200-01-01T00:00Z"]
    assert hand.run("set", "~ward/north", "nurse", "n-1", *until)[0] == 1  # too long a shift
    shift = ["--from", "2099-03-01T07:00Z", "--until", "2099-03-01T15:00Z"]
    assert hand.run("set", "~ward/north", "nurse", "n-1", *shift) == (
        0,
        "n-1 is nurse of ~ward/north until 2099-03-01T15:00:00Z",
    )
    hand.run("set", "bed-1", "nurse", "n-2", *shift)
    at = ["--at", "2099-03-01T10:00Z"]
    assert hand.on(*at) == [("bed-1", "nurse", "n-2"), ("~ward/north", "nurse", "n-1")]
    assert hand.on(*at, "--ward", "north") == [("~ward/north", "nurse", "n-1")]
    assert hand.on("--at", "2099-03-01T16:00Z") == []
    assert hand.run("clear", "bed-1", "nurse") == (0, "cleared 1")
    assert hand.on("--all") == [("~ward/north", "nurse", "n-1")]
    assert hand.run("clear", "bed-1", "nurse")[0] == 1


def test_a_rota_is_stored_as_a_whole_or_not_at_all(hand, tmp_path):
    path = tmp_path / "rota.csv"
    rows = [f"~ward/north,nurse,n-{n},2099-03-0{n}T07:00Z,2099-03-0{n}T15:00Z" for n in (1, 2, 3)]
    path.write_text("\n".join(["place,role,person,from,until", *rows, "bad"]))
    code, said = hand.run("import", str(path))
    assert (code, "line 5: 1 columns, should be 5" in said) == (1, True)
    assert hand.on("--all") == []
    path.write_text("\n".join(["place,role,person,from,until", *rows]))
    assert hand.run("import", str(path)) == (0, "stored 3 assignments")
    path.write_text("\n".join(["place,role,person,from,until", rows[0].replace("n-1", "n-9")]))
    code, said = hand.run("import", str(path), "--replace", "--json")
    assert (code, json.loads(said)["stored"]) == (0, 1)
    assert [person for *_, person in hand.on("--all")] == ["n-9"]


def test_who_may_configure_one_ward_says_nothing_of_another_or_of_a_bed_that_is_not_known_to_be_there(
    hand, tmp_path, monkeypatch
):
    said, kept = new_token("engineer-1")
    engineer = Account(role="engineer", wards=("icu",), password="", tokens={"t": kept})
    accounts, token = tmp_path / "accounts.toml", tmp_path / "token"
    save_accounts(accounts, Accounts(accounts={"engineer-1": engineer}))
    token.write_text(said)
    token.chmod(0o600)
    monkeypatch.setenv("VIGIL_ACCOUNTS", str(accounts))
    shift = ["--from", "2099-03-01T07:00Z", "--until", "2099-03-01T15:00Z", "--token-file", str(token)]
    assert hand.run("set", "~ward/icu", "nurse", "n-1", *shift)[0] == 0
    for place in ("~ward/south", "bed-of-nowhere"):
        code, said = hand.run("set", place, "nurse", "n-1", *shift)
        assert (code, said) == (1, f"not allowed: engineer-1 (engineer) may not say who is on at {place}")
    assert hand.on("--all") == [("~ward/icu", "nurse", "n-1")]
