"""Who orders at the command line, and `vigil accounts`."""

import tomllib

import pytest
from click.testing import CliRunner
from door_world import PASSWORD, accounts_file

from edge.cli import main
from edge.commands.accounts import accounts
from edge.identity import command_line
from edge.identity.accounts import hashed, load_accounts
from edge.identity.command_line import signed_in
from streams.config.settings import Settings
from streams.errors import UsageError, VigilError

LOOPBACK = {"brokers": "127.0.0.1:9092"}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs `vigil accounts` on a file; passwords are typed."""
    path = tmp_path / "accounts.toml"

    def run_(*arguments, typed=""):
        found = CliRunner().invoke(accounts, [*arguments, "--file", str(path)], input=typed)
        return found.exit_code, found.stdout, str(found.exception or "")

    run_.path = path
    return run_


def test_an_account_is_made_listed_given_a_token_and_disabled(run):
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    assert run("add", "nurse-1", "--role", "nurse", "--ward", "icu", "--ward", "er", typed=typed)[0] == 0
    assert run("add", "adt", "--role", "system", "--ward", "*", "--no-password")[0] == 0
    known = load_accounts(run.path)
    assert known.by_password("nurse-1", PASSWORD)
    code, said, _ = run("token", "nurse-1", "laptop")
    token = said.splitlines()[0]
    assert code == 0
    assert load_accounts(run.path).by_token(token, "x").wards == ("icu", "er")
    listed = run("list")[1].splitlines()
    assert listed == [
        "nurse-1  nurse  wards icu, er  password, token laptop",
        "adt  system  wards *  no way to sign in",
    ]
    assert run("disable", "nurse-1")[0] == 0
    assert load_accounts(run.path).by_token(token, "x") is None
    assert run("disable", "nurse-1", "--enable")[0] == 0
    assert run("token", "nurse-1", "laptop", "--revoke")[0] == 0
    assert load_accounts(run.path).by_token(token, "x") is None
    assert run("passwd", "nurse-1", typed="another long word\nanother long word\n")[0] == 0
    assert load_accounts(run.path).by_password("nurse-1", "another long word")
    assert PASSWORD not in run.path.read_text()
    assert tomllib.loads(run.path.read_text())["accounts"].keys() == {"nurse-1", "adt"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "a b", "--role", "nurse", "--no-password"), "should match pattern"),
        (("add", "n", "--role", "nurse", "--no-password", "--ward", ""), "account: "),
        (("passwd", "nobody"), "there is no nobody"),
        (("token", "nobody", "x"), "there is no nobody"),
        (("token", "n1", "no such label!"), "account: "),
        (("add", "n1", "--role", "nurse", "--no-password"), "n1 is there already"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(run, arguments, said):
    assert run("add", "n1", "--role", "nurse", "--no-password")[0] == 0
    before = run.path.read_bytes()
    code, _, error = run(*arguments, typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert code != 0
    assert said in error
    assert run.path.read_bytes() == before


def test_on_one_machine_without_accounts_development_orders():
    found = signed_in(Settings(**LOOPBACK), "pause")
    assert (found.id, found.role, found.wards, found.station) == (
        *("development", "physician", ("*",)),
        "command line",
    )
    assert signed_in(Settings(**LOOPBACK), "configure").role == "engineer"
    with pytest.raises(UsageError, match="no accounts file is set"):
        signed_in(Settings(**LOOPBACK), "pause", "nurse-1")


@pytest.mark.parametrize(
    "settings",
    [
        {"brokers": "kafka:9092"},
        {"brokers": "127.0.0.1:9092,10.0.0.7:9092"},
        {**LOOPBACK, "oidc_issuer": "https://id.example"},
        {
            **LOOPBACK,
            "security_protocol": "SASL_SSL",
            "sasl_username": "u",
            "sasl_password": "p",
            "command_key": "k" * 32,
        },
    ],
)
def test_elsewhere_nobody_orders_without_an_account(settings):
    with pytest.raises(UsageError, match=r"^accounts: .*make one with vigil accounts add"):
        signed_in(Settings(**settings), "pause")


def test_a_token_says_who_orders_and_its_role_what(tmp_path):
    path, tokens = accounts_file(tmp_path)
    file = tmp_path / "token"
    settings = Settings(**LOOPBACK, accounts=path, token_file=file)
    file.write_text(tokens["nurse"] + "\n")
    found = signed_in(settings, "pause")
    assert (found.id, found.wards, found.session) == ("nurse-1", ("icu",), "token:t")
    file.write_text(tokens["viewer"])
    with pytest.raises(VigilError, match=r"^not allowed: viewer-1 \(viewer\) may not do this in any ward$"):
        signed_in(settings, "pause")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        ("", "holds no token"),
        ("vgk.nurse-1.x", "holds no token"),
        ("vgp.nurse-1.wrong", "not signed in: the token is nobody's"),
    ],
)
def test_a_token_that_proves_nobody_is_told_of_without_saying_it(tmp_path, content, said):
    path, _ = accounts_file(tmp_path)
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    with pytest.raises(VigilError, match=said) as told:
        signed_in(Settings(**LOOPBACK, accounts=path, token_file=file), "pause")
    assert not content or content not in str(told.value)


def test_name_and_password_say_who_orders_after_three_tries_nobody(tmp_path, monkeypatch):
    path, _ = accounts_file(tmp_path, hashed(PASSWORD))
    settings = Settings(**LOOPBACK, accounts=path)
    monkeypatch.setattr(command_line, "WRONG_S", 0.0)
    typed = iter(["wrong wrong wrong", PASSWORD])
    monkeypatch.setattr(command_line.click, "prompt", lambda *_, **__: next(typed))
    assert signed_in(settings, "pause", "nurse-1").id == "nurse-1"
    typed = iter(["wrong wrong wrong"] * 3)
    with pytest.raises(VigilError, match="no account has this name and password"):
        signed_in(settings, "pause", "nurse-1")


def test_there_is_no_actor_option_any_more(capsys):
    assert main(["alarms", "resume", "bed-1", "--brokers", "127.0.0.1:1", "--actor", "dr-house"]) == 2
    assert "no such option" in capsys.readouterr().err
