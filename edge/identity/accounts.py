"""The accounts file: people and programs of this machine, their role and wards, and what groups of others may do.

It holds no secret: of passwords Argon2id hashes, of tokens, which are 256 random bits, a SHA-256.
"""

import json
import os
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edge.gateway.keys import HASH_CHARACTERS, hash_of, is_among, name_in, new_key
from streams.contracts.frame import ID_PATTERN
from streams.contracts.people import WARDS_MAX, Person, Role
from streams.errors import UsageError

ACCOUNTS_MAX: Final = 10_000
TOKENS_MAX: Final = 16
"""Of one account."""

PASSWORD_CHARACTERS_MIN: Final = 12
"""NIST SP 800-63B (2017) section 5.1.1.2 asks for 8 at least; ours is longer, because there is no second factor [M]."""

PASSWORD_CHARACTERS_MAX: Final = 256
"""What is hashed is bounded: a long password costs nobody's processor."""

TOKEN_PREFIX: Final = "vgp"
TOKEN_NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"

HASHER: Final = PasswordHasher()
"""Argon2id with the second recommended option of RFC 9106 section 4: 64 MiB, 3 passes, 4 lanes."""

NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$wTLQM7kgas1Y4soUwefaFA$ItzvyaIuDxSRUx/uHI6b3xA5pbYCP+Twdn8EeMzz8FY"
)
"""Checked where no account is: how long a refusal takes says nothing about who is known.

Made by `HASHER` once and not in each process, whose start it would delay by 0.2 s and 64 MiB.
"""

WardName = Annotated[str, Field(min_length=1, max_length=128)]


class Rights(BaseModel):
    """A role in wards."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Role
    wards: Annotated[tuple[WardName, ...], Field(max_length=WARDS_MAX)] = ()


class Token(BaseModel):
    """A personal token, for programs and the command line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{HASH_CHARACTERS}}}$")]


class Account(Rights):
    """A person or program of this machine; without a password only a token or another door lets it in."""

    password: str = ""
    disabled: bool = False
    screen: bool = False
    """A wall screen's: a viewer whose sign-in does not end by rest."""
    tokens: Annotated[
        Mapping[Annotated[str, Field(pattern=TOKEN_NAME_PATTERN)], Token], Field(max_length=TOKENS_MAX)
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _a_screen_only_shows(self) -> "Account":
        if self.screen and self.role != "viewer":
            raise ValueError("a screen only shows: its role is viewer")
        return self


class Accounts(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: Annotated[
        dict[Annotated[str, Field(pattern=ID_PATTERN)], Account], Field(max_length=ACCOUNTS_MAX)
    ] = Field(default_factory=dict)
    groups: Annotated[dict[str, Rights], Field(max_length=ACCOUNTS_MAX)] = Field(
        default_factory=dict, description="what who is of a group of the provider or proxy may do"
    )

    def person(self, name: str, station: str, session: str = "") -> Person | None:
        """Return an account's person; None where there is none, or it is disabled."""
        account = self.accounts.get(name)
        if account is None or account.disabled:
            return None
        return Person(id=name, role=account.role, wards=account.wards, station=station, session=session)

    def is_screen(self, name: str) -> bool:
        """Tell whether an account is a wall screen's."""
        account = self.accounts.get(name)
        return account is not None and account.screen

    def person_of_groups(self, name: str, groups: Iterable[str], station: str, session: str) -> Person | None:
        """Return whom a provider or proxy names: by the account of that name, else by groups.

        The first group of the file that the person is of gives the role; wards are those of all groups of that role.
        None where nothing gives a role, or the account is disabled.
        """
        if name in self.accounts:
            return self.person(name, station, session)
        mine = set(groups)
        found = [rights for group, rights in self.groups.items() if group in mine]
        if not found:
            return None
        role = found[0].role
        wards = dict.fromkeys(ward for rights in found if rights.role == role for ward in rights.wards)
        try:
            return Person(id=name, role=role, wards=tuple(wards), station=station, session=session)
        except ValidationError:  # a name that is no opaque id, or more wards than can be named
            return None

    def by_password(self, name: str, password: str) -> bool:
        """Tell whether somebody shows an account's password; it takes as long where there is no such account."""
        account = self.accounts.get(name)
        known = account is not None and not account.disabled and bool(account.password)
        kept = account.password if account is not None and known else NOBODY
        if len(password) > PASSWORD_CHARACTERS_MAX:
            return False
        try:
            return HASHER.verify(kept, password) and known
        except (VerificationError, InvalidHashError):
            return False

    def by_token(self, token: str, station: str) -> Person | None:
        """Return whose token this is."""
        name = name_in(token, TOKEN_PREFIX)
        account = self.accounts.get(name)
        if account is None:
            return None
        for label, kept in account.tokens.items():
            if is_among(token, (kept.sha256,)):
                return self.person(name, station, f"token:{label}")
        return None


def load_accounts(path: Path) -> Accounts:
    """Read the file.

    Raises:
        UsageError: one line that says what is wrong with it, with nothing of a secret in it.
    """
    try:
        return Accounts.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"accounts: cannot read {path}: {why}") from None


def save_accounts(path: Path, accounts: Accounts) -> None:
    """Write the file: whole or not at all, and readable by its owner only.

    Raises:
        UsageError: it cannot be written.
    """
    text = "# Who may sign in; changed by vigil accounts, read again by itself.\n" + _toml(accounts)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # 0600
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        raise UsageError(f"accounts: cannot write {path}: {error.strerror}") from None


def with_account(accounts: Accounts, name: str, account: Mapping[str, object]) -> Accounts:
    """Return the accounts with one that is new or changed, checked.

    Raises:
        UsageError: one line that says what is wrong.
    """
    said = accounts.model_dump()
    said["accounts"][name] = account
    try:
        return Accounts.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise UsageError(f"account: {first['msg']}") from None


def hashed(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        UsageError: it is too short or too long.
    """
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        raise UsageError(
            f"password: {PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters, for example four words"
        )
    return HASHER.hash(password)


def new_token(name: str) -> tuple[str, Token]:
    """Return a new personal token, to be shown once, and what is kept of it."""
    made = new_key(name, TOKEN_PREFIX)
    assert hash_of(made.key) == made.sha256
    return made.key, Token(sha256=made.sha256)


def _toml(accounts: Accounts) -> str:
    lines: list[str] = []
    for name, account in accounts.accounts.items():
        lines += ["", f"[accounts.{json.dumps(name)}]", *_rights(account)]
        lines += [f"password = {json.dumps(account.password)}"] if account.password else []
        lines += ["disabled = true"] if account.disabled else []
        lines += ["screen = true"] if account.screen else []
        for label, token in account.tokens.items():
            lines.append(f"tokens.{json.dumps(label)}.sha256 = {json.dumps(token.sha256)}")
    for group, rights in accounts.groups.items():
        lines += ["", f"[groups.{_quoted(group)}]", *_rights(rights)]
    return "\n".join([*lines, ""])


def _rights(rights: Rights) -> list[str]:
    wards: Any = ", ".join(_quoted(ward) for ward in rights.wards)
    return [f"role = {json.dumps(rights.role)}", f"wards = [{wards}]"]


def _quoted(text: str) -> str:
    """Return a TOML string: as JSON writes it, but for the one control character that JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
