"""Passwords that cost next to nothing: these files check hundreds, and one test what the shipped ones cost."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from edge.identity import accounts


@pytest.fixture(scope="module", autouse=True)
def shipped() -> Iterator[tuple[PasswordHasher, str]]:
    """Replace the hasher and what is checked where no account is; yield those that are shipped."""
    hasher, nobody = accounts.HASHER, accounts.NOBODY
    with pytest.MonkeyPatch.context() as patched:
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patched.setattr(accounts, "HASHER", cheap)
        patched.setattr(accounts, "NOBODY", cheap.hash("nobody has this password"))
        yield hasher, nobody
