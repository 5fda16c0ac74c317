"""Who is on, said at the board: what its page says the command line sees, and the other way round."""

import json
import time
import urllib.error
import urllib.request

import pytest
from click.testing import CliRunner
from worker_flow import frame, wait_until

from edge.board.board_child import board_child
from edge.commands.assign import assign
from edge.identity.accounts import Account, Accounts, new_token, save_accounts
from edge.options import with_changes

HOUR_MS = 3_600_000


class Desk:
    """A board, and the command line beside it, where an engineer and a nurse have accounts."""

    def __init__(self, url, settings, tokens, folder):
        self.url, self.tokens, self.settings = url, tokens, settings
        self.token_file = folder / "token"
        self.token_file.write_text(tokens["engineer"])

    def ask(self, path, body=None, role="engineer"):
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.tokens[role]}"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def vigil(self, *words):
        where = ["--brokers", self.settings.brokers, "--prefix", self.settings.topic_prefix]
        who = [] if words[0] == "list" else ["--token-file", str(self.token_file)]
        environment = {"VIGIL_ACCOUNTS": str(self.settings.accounts)}
        found = CliRunner().invoke(assign, [*words, *who, *where], env=environment)
        return found.output.strip() or str(found.exception)

    def listed(self):
        return [json.loads(line) for line in self.vigil("list", "--all", "--json").splitlines()]

    def asked(self):
        _, shown = self.ask("/v1/assignments", role="nurse")
        (ward,) = [each for each in shown["wards"] if each["ward"] == ""]
        return {
            bed["patient"]: [(one["role"], one["people"]) for one in bed["asked"]] for bed in ward["beds"]
        }


@pytest.fixture(scope="module")
def desk(make_ward, tmp_path_factory):
    folder = tmp_path_factory.mktemp("accounts")
    tokens, accounts = {}, {}
    for role in ("engineer", "nurse"):
        tokens[role], kept = new_token(f"{role}-1")
        accounts[f"{role}-1"] = Account(role=role, wards=("*",), tokens={"t": kept})
    save_accounts(folder / "accounts.toml", Accounts(accounts=accounts))
    ward = make_ward(time_base="live", board_port=0)
    ward.start_ready_worker()
    ward.send_all([(0, *frame("bed-1", int(time.time()), hr=80))])
    settings = with_changes(ward.settings, accounts=folder / "accounts.toml")
    with board_child(settings) as url:
        found = Desk(url, settings, tokens, folder)
        wait_until(lambda: found.ask("/v1/beds/bed-1")[0] == 200, "a board that has read everything")
        wait_until(lambda: found.ask("/v1/assignments")[0] == 200, "a board that knows who is on")
        yield found


def test_what_the_page_says_the_command_line_sees_and_the_other_way_round(desk):
    until_ms = int(time.time() * 1000) + HOUR_MS
    said = {"act": "assign", "place": "bed-1", "role": "nurse", "person": "n-1", "until_ts_ms": until_ms}
    status, answer = desk.ask("/v1/assignments", said, role="nurse")
    assert (status, answer["detail"]) == (
        403,
        "you may not say who is on here: engineer, administrator, system of the ward may",
    )
    status, answer = desk.ask("/v1/assignments", said)
    assert (status, answer["outcome"]) == (200, "accepted")
    (one,) = desk.listed()
    assert (one["place"], one["person"], one["reporter"]) == ("bed-1", "n-1", "engineer-1")
    assert desk.asked() == {"bed-1": [("nurse", ["n-1"])]}
    assert desk.vigil("end", "bed-1", "nurse", "n-1") == "n-1 is nurse of bed-1 no longer"
    wait_until(lambda: desk.asked() == {"bed-1": []}, "the end at the board")
    (one,) = desk.listed()
    assert one["until_ts_ms"] < until_ms
    assert desk.vigil("end", "bed-1", "nurse", "n-1") == "n-1 is not assigned as nurse of bed-1"


def test_a_comparison_is_made_in_a_process_beside_the_board(desk):
    """No rules are tried here, which only the topics say."""
    wait_until(lambda: desk.ask("/v1/shadow")[0] == 200, "an answer")
    assert desk.ask("/v1/shadow") == (200, {"rules": None})
