"""Who may order what: every cell of the table against one worker, on the topic and at the command line."""

import json
import time

import pytest
from signing import person, signed
from worker_flow import frame, wait_until

from edge import cli
from edge.identity.accounts import Account, Accounts, new_token, save_accounts
from edge.order_sending import make_order
from streams.contracts.people import ACT_OF, ACTS, MAY, ROLES
from streams.contracts.seals import Seals
from streams.contracts.topics import COMMANDS

BEDS = {"own": "bed-own", "other": "bed-other", "none": "bed-none"}
WARDS = {"own": "icu", "other": "er"}
ORDERS = {
    "view": ("break-glass", {"reason": "a look"}),
    "acknowledge": ("acknowledge", {"episode": "0" * 16}),
    "pause": ("pause", {"seconds": 1}),
    "limits": ("set-profile", {"expected_oxygen": True}),
}
"""A command of each act; nothing on the topic is `configure`."""

CELLS = [(role, where, act) for role in ROLES for where in BEDS for act in ORDERS]


@pytest.fixture(scope="module")
def ward(make_ward):
    ward = make_ward(time_base="live", partitions=1)
    ward.start_ready_worker()
    now_s = int(time.time())
    ward.send_all((0, *frame(bed, now_s, hr=80)) for bed in BEDS.values())
    clerk = person("clerk")
    for where, name in WARDS.items():
        order(ward, clerk, "set-profile", BEDS[where], ward=name)
    wait_until(lambda: len(answers(ward)) == len(WARDS), "the wards")
    return ward


def order(to, who, kind, patient, **said):
    made = make_order(kind, who, patient=patient, **said)
    send(to, made, signed(made.model_dump_json(exclude_none=True).encode(), who))
    return made.id


def send(ward, made, value):
    ward.send_to(COMMANDS, 0, made.patient.encode(), value)


def answers(ward):
    said = [json.loads(record.value) for record in ward.read(COMMANDS)]
    return {one["id"]: one for one in said if one.get("kind") == "answer"}


def wait_for(ward, names):
    wait_until(lambda: answers(ward).keys() >= {*names}, "all answers")
    found = answers(ward)
    return [found[name] for name in names]


def is_allowed(answer):
    """Tell whether the person was allowed to; what fails later, such as no such alarm, was."""
    return not answer["reason"].startswith("not allowed: ")


def test_every_cell_of_the_table_on_the_topic(ward):
    sent = {}
    for role, where, act in CELLS:
        kind, said = ORDERS[act]
        sent[role, where, act] = order(ward, person("p-1", role, ["icu"]), kind, BEDS[where], **said)
    found = dict(zip(sent, wait_for(ward, sent.values()), strict=True))
    assert {cell: is_allowed(answer) for cell, answer in found.items()} == {
        (role, where, act): where == "own" and act in MAY[role] for role, where, act in CELLS
    }
    refused = found["nurse", "other", "pause"]
    assert refused["outcome"] == "refused"
    assert refused["reason"] == "not allowed: p-1 (nurse) may not pause in ward er"
    assert found["nurse", "none", "pause"]["reason"].endswith("may not pause for a patient of no ward")


def test_every_kind_of_command_is_an_act_of_the_table():
    from streams.contracts.command import Command

    kinds = {model.model_fields["kind"].default for model in Command.model_fields["root"].annotation.__args__}
    assert kinds == ACT_OF.keys()
    assert {*ACT_OF.values()} <= {*ACTS}


def test_broken_glass_lets_act_marks_the_answer_and_is_told_once_each_use(ward):
    helper = person("dr-2", "physician", ["icu"], break_glass="cardiac arrest")
    glass = order(ward, helper, "break-glass", "bed-other", reason="cardiac arrest")
    pause = order(ward, helper, "pause", "bed-other", seconds=1)
    opened, paused = wait_for(ward, [glass, pause])
    assert [one["outcome"] for one in (opened, paused)] == ["accepted", "accepted"]
    assert opened["reason"] == "break-glass by dr-2, by broken glass: cardiac arrest"
    told = {alert["id"]: alert for alert in ward.alerts() if alert["rule"] == "break-glass"}
    assert [(a["patient"], a["phase"], a["priority"], a["type"], a["actor"]) for a in told.values()] == [
        ("bed-other", "start", "low", "advisory", "dr-2"),
        ("bed-other", "update", "low", "advisory", "dr-2"),
    ]
    assert next(iter(told)) in opened["alerts"]
    first = next(iter(told.values()))
    assert first["reason"] == "access: opened by dr-2 (physician) of another ward: cardiac arrest"
    configured = person("e-1", "engineer", ["icu"], break_glass="x")
    (refused,) = wait_for(ward, [order(ward, configured, "set-profile", "bed-other", expected_oxygen=False)])
    assert not is_allowed(refused)


def test_who_opens_a_whole_ward_is_told_of_there(ward):
    helper = person("nurse-5", "nurse", ["icu"], break_glass="to help out")
    (answer,) = wait_for(ward, [order(ward, helper, "break-glass", "~ward/er", reason="to help out")])
    assert answer["outcome"] == "accepted"

    def told():
        found = {
            a["id"]: a for a in ward.alerts() if (a["patient"], a["rule"]) == ("~ward/er", "break-glass")
        }
        return [(alert["phase"], alert["actor"]) for alert in found.values()]

    wait_until(lambda: len(told()) == 2, "what is told of it")
    assert told() == [("start", "nurse-5"), ("end", "nurse-5")]
    ack = order(ward, person("nurse-6", "nurse", ["icu"]), "acknowledge", "~ward/er", episode="0" * 16)
    assert not is_allowed(wait_for(ward, [ack])[0])


def test_a_command_that_nobody_has_signed_changes_nothing_is_refused_and_told_of(ward):
    made = make_order("discharge", person("nurse-7"), patient="bed-own")
    other = make_order("discharge", person("nurse-7"), patient="bed-own")
    bare = made.model_dump_json(exclude_none=True).encode()
    guessed = signed(
        other.model_dump_json(exclude_none=True).encode(), person("nurse-7"), Seals([b"guessed" * 5])
    )
    before = len(ward.dead_letters())
    send(ward, made, bare)
    send(ward, other, guessed)
    for answer in wait_for(ward, [made.id, other.id]):
        assert (answer["outcome"], answer["offset"], answer["monitored"]) == ("refused", -1, False)
        assert answer["reason"].startswith("nobody who is signed in has ordered this: command: ")
    wait_until(lambda: len(ward.dead_letters()) == before + 2, "dead letters of both, and no others")
    assert [(value, headers["reason"]) for _, value, headers in ward.dead_letters()[before:]] == [
        (bare, "unproven-command"),
        (guessed, "unproven-command"),
    ]
    wait_until(
        lambda: ("~partition/0", "unproven-command") in [(a["patient"], a["rule"]) for a in ward.alerts()],
        "the alarm of the partition",
    )


@pytest.fixture(scope="module")
def desk(ward, tmp_path_factory):
    """Return a function that runs a command with the token of an account of a role, of ward icu."""
    folder = tmp_path_factory.mktemp("desk")
    made = {}
    for role in ROLES:
        key, kept = new_token(f"{role}-1")
        made[f"{role}-1"] = Account(role=role, wards=("icu",), tokens={"t": kept})
        (folder / role).write_text(key)
    save_accounts(folder / "accounts.toml", Accounts(accounts=made))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VIGIL_ACCOUNTS", str(folder / "accounts.toml"))
        where = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
        yield lambda role, *arguments: cli.main([*arguments, *where, "--token-file", str(folder / role)])


LINES = {
    "acknowledge": lambda bed: ("alarms", "ack", bed, "0" * 16),
    "pause": lambda bed: ("alarms", "pause", bed, "--seconds", "1"),
    "limits": lambda bed: ("patients", "profile", bed, "--expected-oxygen"),
}


@pytest.mark.parametrize("act", LINES)
@pytest.mark.parametrize("role", ROLES)
def test_every_cell_of_the_table_at_the_command_line(desk, capsys, role, act):
    found = {}
    for where, bed in BEDS.items():
        desk(role, *LINES[act](bed))
        found[where] = "not allowed" not in capsys.readouterr().err
    assert found == {where: where == "own" and act in MAY[role] for where in BEDS}


@pytest.mark.parametrize("role", ROLES)
def test_configuring_at_the_command_line_is_for_who_may(desk, capsys, role):
    code = desk(role, "devices", "place", f"mon-{role}", "icu:1:1")
    assert (code == 0) == ("configure" in MAY[role])
    assert ("not allowed" in capsys.readouterr().err) == (code != 0)


def test_reading_at_the_command_line_asks_the_broker_and_no_account_but_ordering_asks_who(
    ward, monkeypatch, tmp_path, capsys
):
    path = tmp_path / "accounts.toml"
    save_accounts(path, Accounts(accounts={"boss": Account(role="administrator", wards=("*",))}))
    monkeypatch.setenv("VIGIL_ACCOUNTS", str(path))
    where = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
    for words in (["alarms", "list"], ["patients", "list"], ["limits", "show", "bed-own"], ["alerts"]):
        assert cli.main([*words, *where]) == 0, (words, capsys.readouterr())
    capsys.readouterr()
    assert cli.main(["alarms", "resume", "bed-own", *where]) == 2
    assert "who orders this?" in capsys.readouterr().err
