"""`vigil route`: who is told of what, and whether the file is right."""

import json

import pytest

from edge.cli import main

TEXT = """
[receivers.nurse]
role = "nurse"
channels = ["board"]

[[route]]
name = "high"
priority = ["high"]
ward = ["icu*"]
between = ["19:00", "07:00"]
fallback = "board"

[[route.step]]
to = ["nurse"]
wait_s = 60
taken_s = 20

[[route.step]]
to = ["board"]
"""


@pytest.fixture
def run(capsys, tmp_path):
    path = tmp_path / "routes.toml"
    path.write_text(TEXT)

    def run(*words, text=TEXT):
        path.write_text(text)
        code = main(["route", *words, "--routes", str(path)])
        said = capsys.readouterr()
        return code, said.out, said.err.replace(str(path), "routes.toml")

    return run


def tried(run, *more, at="2026-01-05T22:00Z"):
    try:
        return run("test", "--priority", "high", "--rule", "spo2-low", "--ward", "icu-1", "--at", at, *more)
    except SystemExit as ending:
        return ending.code, "", ""


def test_who_is_told_is_printed_step_by_step(run):
    code, said, _ = tried(run)
    assert code == 0
    assert said.splitlines() == [
        "route high",
        "  step 1, at once: whoever is nurse over board (60 s for an answer, 20 s to be taken)",
        "  step 2, after 60 s: board over board (60 s for an answer, 30 s to be taken)",
        "  where nobody is assigned: board over board",
        "when the rules ask nurse: whoever is nurse over board",
    ]


def test_the_same_as_json(run):
    code, said, _ = tried(run, "--json")
    (route,) = map(json.loads, said.splitlines())
    assert (code, route["route"], [step["after_s"] for step in route["steps"]]) == (0, "high", [0, 60])


def test_at_another_time_no_route_takes_it_and_the_exit_code_says_so(run):
    assert tried(run, at="2026-01-05T12:00Z")[0] == 1


def test_a_right_file_is_ok(run):
    assert run("check") == (0, "ok: 1 channels, 2 receivers, 1 routes, times in UTC\n", "")


def test_a_wrong_file_is_one_line_with_its_place(run):
    code, said, complaint = run("check", text=TEXT.replace("wait_s = 60", "wait_s = 0"))
    assert (code, said) == (2, "")
    assert complaint.startswith(
        'vigil: routes.toml:15: route 1 ("high"), step 1: key wait_s: should be greater'
    )


def test_options_of_a_channel_are_checked_too(run):
    code, _, complaint = run("check", text='[channels.pager]\nkind = "webhook"\n' + TEXT)
    assert code == 2
    assert "routes.toml:1: [channels.pager]:" in complaint
