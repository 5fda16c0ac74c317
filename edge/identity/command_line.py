"""Who orders at the command line: by a personal token, by name and password, or in development nobody in particular."""

import time
from pathlib import Path
from typing import Final

import click

from edge.identity.accounts import TOKEN_PREFIX, Accounts, load_accounts
from edge.identity.development import development, has_sign_in, is_development
from streams.config.settings import Settings
from streams.contracts.people import MAY, Act, Person
from streams.errors import UsageError, VigilError

STATION: Final = "command line"
TOKEN_CHARACTERS_MAX: Final = 256
PASSWORDS_MAX: Final = 3
WRONG_S: Final = 1.0
"""How long a wrong password takes longer."""


def signed_in(settings: Settings, act: Act, name: str | None = None) -> Person:
    """Return who orders.

    Args:
        settings: name the accounts file and the file with the token.
        act: what is to be done; whoever may do it nowhere is refused here, who not in this ward by the judge.
        name: of the account to ask the password of; none = by the token.

    Raises:
        UsageError: there is nobody to be: no accounts, no token, or they cannot be read.
        VigilError: the token or password proves nobody, or the role may not do this.
    """
    person = _found(settings, act, name)
    if act not in MAY[person.role]:
        raise VigilError(f"not allowed: {person.id} ({person.role}) may not do this in any ward")
    return person


def _found(settings: Settings, act: Act, name: str | None) -> Person:
    if is_development(settings):
        if name is not None or settings.token_file is not None:
            raise UsageError("accounts: no accounts file is set, so nobody can sign in: set VIGIL_ACCOUNTS")
        return development(act, STATION)
    if settings.accounts is None:
        why = (
            "sign-in at the command line is by an account" if has_sign_in(settings) else "nobody can sign in"
        )
        raise UsageError(f"accounts: {why}: make one with vigil accounts add, and set VIGIL_ACCOUNTS")
    accounts = load_accounts(settings.accounts)
    if name is not None:
        return _by_password(accounts, name)
    if settings.token_file is None:
        raise UsageError(
            "token_file: who orders this? Give --as NAME, or VIGIL_TOKEN_FILE with a token of vigil accounts token"
        )
    person = accounts.by_token(_token(settings.token_file), STATION)
    if person is None:
        raise VigilError("not signed in: the token is nobody's, or the account is disabled")
    return person


def _by_password(accounts: Accounts, name: str) -> Person:
    for _ in range(PASSWORDS_MAX):
        password = click.prompt(f"Password of {name}", hide_input=True, err=True)
        if accounts.by_password(name, password) and (person := accounts.person(name, STATION)):
            return person
        time.sleep(WRONG_S)
    raise VigilError("not signed in: no account has this name and password")


def _token(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            token = file.read(TOKEN_CHARACTERS_MAX).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not text"
        raise UsageError(f"token_file: cannot read {path}: {why}") from None
    if not token.startswith(f"{TOKEN_PREFIX}."):
        raise UsageError(f"token_file: {path} holds no token of vigil accounts token")
    return token
