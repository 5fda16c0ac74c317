"""`vigil accounts`: who may sign in on this machine, with which role and wards; passwords and personal tokens."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.identity.accounts import (
    TOKENS_MAX,
    Account,
    Accounts,
    hashed,
    load_accounts,
    new_token,
    save_accounts,
    with_account,
)
from edge.printing import print_json, say
from streams.config.settings import load_settings
from streams.contracts.people import ROLES
from streams.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., Any])


def file_option(function: Function) -> Function:
    """Add `--file`, passed on as `path`."""
    return click.option(
        "--file", "path", type=click.Path(path_type=Path), help="Accounts file; else VIGIL_ACCOUNTS."
    )(function)


@click.group()
def accounts() -> None:
    """Who may sign in on this machine, and what for."""


@accounts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@file_option
def list_accounts(path: Path | None, as_json: bool) -> None:
    """Print every account: role, wards, ways to sign in."""
    for name, account in _read(_path(path)).accounts.items():
        ways = (["password"] if account.password else []) + [f"token {label}" for label in account.tokens]
        if as_json:
            rights = account.model_dump(mode="json", include={"role", "wards", "disabled"})
            print_json({"id": name, **rights, "ways": ways})
            continue
        shown = ", ".join(ways) or "no way to sign in"
        state = "  disabled" if account.disabled else ""
        say(f"{name}  {account.role}  wards {', '.join(account.wards) or '-'}  {shown}{state}")


@accounts.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option(
    "--ward", "wards", multiple=True, help="Opaque id of a ward; again for another; * is every one."
)
@click.option(
    "--no-password", is_flag=True, help="A program, or who signs in elsewhere: asks for no password."
)
@click.option(
    "--screen", is_flag=True, help="A wall screen's, of role viewer: its sign-in does not end by rest."
)
@file_option
def add(
    name: str, role: Any, wards: tuple[str, ...], no_password: bool, screen: bool, path: Path | None
) -> None:
    """Make an account; asks for its password twice."""
    file = _path(path)
    known = _read(file) if file.exists() else Accounts()
    if name in known.accounts:
        raise UsageError(f"account: {name} is there already")
    password = "" if no_password else hashed(_asked(name))
    account = {"role": role, "wards": wards, "password": password, "screen": screen}
    save_accounts(file, with_account(known, name, account))
    say(f"{name} may sign in: {role}, wards {', '.join(wards) or '-'}")


@accounts.command()
@click.argument("name")
@click.option("--enable", is_flag=True, help="Let it in again.")
@file_option
def disable(name: str, enable: bool, path: Path | None) -> None:
    """Let an account in no more: its sessions and tokens end within a second."""
    _change(path, name, disabled=not enable)
    say(f"{name} is {'let in again' if enable else 'let in no more'}")


@accounts.command()
@click.argument("name")
@file_option
def passwd(name: str, path: Path | None) -> None:
    """Give an account a new password; asks for it twice."""
    _account(_read(_path(path)), name)
    _change(path, name, password=hashed(_asked(name)))
    say(f"{name} has a new password")


@accounts.command()
@click.argument("name")
@click.argument("label")
@click.option("--revoke", is_flag=True, help="Make it worth nothing.")
@file_option
def token(name: str, label: str, revoke: bool, path: Path | None) -> None:
    """Make a personal token, shown only now, or revoke one; LABEL says where it lies."""
    tokens = dict(_account(_read(_path(path)), name).tokens)
    if revoke:
        if tokens.pop(label, None) is None:
            raise UsageError(f"token: {name} has none of that label")
        _change(path, name, tokens=tokens)
        say(f"the token {label} of {name} is worth nothing any more")
        return
    if label in tokens or len(tokens) >= TOKENS_MAX:
        raise UsageError(f"token: {name} has one of that label, or {TOKENS_MAX}: revoke one first")
    key, tokens[label] = new_token(name)
    _change(path, name, tokens=tokens)
    say(key)
    say("keep it in a file that only you can read, and name that in VIGIL_TOKEN_FILE", err=True)


def _path(path: Path | None) -> Path:
    found = path or load_settings().accounts
    if found is None:
        raise UsageError("accounts: which file? Give --file or VIGIL_ACCOUNTS")
    return found


def _read(path: Path) -> Accounts:
    return load_accounts(path)


def _account(known: Accounts, name: str) -> Account:
    if name not in known.accounts:
        raise UsageError(f"account: there is no {name}")
    return known.accounts[name]


def _change(path: Path | None, name: str, **changes: object) -> None:
    file = _path(path)
    known = _read(file)
    said = _account(known, name).model_dump() | changes
    save_accounts(file, with_account(known, name, said))


def _asked(name: str) -> str:
    password: str = click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True)
    return password
