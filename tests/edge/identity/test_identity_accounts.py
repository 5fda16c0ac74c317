"""The accounts file, passwords, tokens and how often somebody may try."""

import stat

import pytest
from argon2.exceptions import VerifyMismatchError
from door_world import PASSWORD, accounts_file
from hypothesis import given
from hypothesis import strategies as st

from edge.identity import tries
from edge.identity.accounts import (
    Account,
    Accounts,
    Rights,
    hashed,
    load_accounts,
    new_token,
    save_accounts,
)
from edge.identity.tries import Tries
from streams.contracts.people import ROLES
from streams.errors import UsageError

names = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:@-]{0,20}\Z")
words = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)


@given(
    made=st.dictionaries(
        names,
        st.builds(
            Account,
            role=st.sampled_from(ROLES),
            wards=st.lists(words, max_size=3).map(tuple),
            password=st.text(st.characters(codec="ascii"), max_size=20),
            disabled=st.booleans(),
            tokens=st.dictionaries(
                st.from_regex(r"\A[a-z0-9-]{1,5}\Z").filter(lambda s: s[0] != "-"),
                st.just(new_token("x")[1]),
                max_size=2,
            ),
        ),
        max_size=3,
    ),
    groups=st.dictionaries(words, st.builds(Rights, role=st.sampled_from(ROLES)), max_size=3),
)
def test_what_is_written_is_read_again(tmp_path_factory, made, groups):
    path = tmp_path_factory.mktemp("accounts") / "accounts.toml"
    known = Accounts(accounts=made, groups=groups)
    save_accounts(path, known)
    assert load_accounts(path) == known


def test_a_password_takes_what_rfc_9106_recommends_and_nobody_s_takes_as_long(shipped):
    hasher, nobody = shipped
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (64 * 1024, 3, 4)
    assert not hasher.check_needs_rehash(nobody)
    with pytest.raises(VerifyMismatchError):
        hasher.verify(nobody, PASSWORD)


def test_the_file_is_its_owner_s_and_holds_no_secret(tmp_path):
    path, tokens = accounts_file(tmp_path, hashed(PASSWORD))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert PASSWORD not in text
    assert not any(token in text or token.rpartition(".")[2] in text for token in tokens.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[accounts", "cannot read"),
        ('[accounts.a]\nrole = "king"', "accounts.a.role"),
        ('[accounts."a b"]\nrole = "nurse"', "should match pattern"),
        ('[accounts.a]\nrole = "nurse"\nsecret = "x"', "accounts.a.secret"),
    ],
)
def test_a_broken_file_is_one_line_without_what_stands_in_it(tmp_path, text, said):
    path = tmp_path / "accounts.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as told:
        load_accounts(path)
    assert "\n" not in str(told.value)


def test_a_password_is_believed_of_its_account_only_and_not_when_that_is_disabled():
    kept = hashed(PASSWORD)
    assert kept.startswith("$argon2id$")
    rights = {"role": "nurse", "wards": ("icu",)}
    known = Accounts(
        accounts={
            "a": Account(**rights, password=kept),
            "b": Account(**rights, password=kept, disabled=True),
            "c": Account(**rights),
        }
    )
    assert known.by_password("a", PASSWORD)
    assert not known.by_password("a", PASSWORD + "x")
    assert not any(known.by_password(name, PASSWORD) for name in ("b", "c", "nobody"))
    assert not known.by_password("c", "nobody has this password")
    assert not known.by_password("a", "x" * 100_000)


@pytest.mark.parametrize("password", ["short", "x" * 300])
def test_a_password_has_a_length(password):
    with pytest.raises(UsageError, match=r"^password: 12 to 256 characters"):
        hashed(password)


def test_a_token_is_its_account_s_with_role_and_wards_and_the_label_as_session(tmp_path):
    path, tokens = accounts_file(tmp_path)
    known = load_accounts(path)
    found = known.by_token(tokens["nurse"], "board")
    assert (found.id, found.role, found.wards, found.session) == ("nurse-1", "nurse", ("icu",), "token:t")
    assert known.by_token(tokens["nurse"][:-1], "board") is None
    assert known.by_token(tokens["nurse"].replace("nurse-1", "system-1"), "board") is None
    assert known.by_token("", "board") is None


def test_a_screen_only_shows():
    assert Account(role="viewer", screen=True).screen
    with pytest.raises(ValueError, match="a screen only shows"):
        Account(role="nurse", screen=True)


def test_groups_give_the_first_role_of_the_file_and_the_wards_of_all_that_have_it():
    known = Accounts(
        accounts={
            "gone": Account(role="nurse", wards=("icu",), disabled=True),
            "dr-1": Account(role="physician", wards=("er",)),
        },
        groups={
            "nurses-icu": Rights(role="nurse", wards=("icu",)),
            "nurses-er": Rights(role="nurse", wards=("er",)),
            "it": Rights(role="administrator", wards=("*",)),
        },
    )
    found = known.person_of_groups("n1", ["it", "nurses-er", "nurses-icu"], "board", "")
    assert (found.role, found.wards) == ("nurse", ("icu", "er"))
    assert known.person_of_groups("n1", ["it"], "board", "").role == "administrator"
    assert known.person_of_groups("n1", ["cooks"], "board", "") is None
    assert known.person_of_groups("no opaque id", ["it"], "board", "") is None
    assert known.person_of_groups("dr-1", ["it"], "board", "").role == "physician"
    assert known.person_of_groups("gone", ["it"], "board", "") is None


def test_five_failures_hold_up_the_name_from_that_address_only():
    found = Tries()
    for second in range(tries.TRIES_MAX):
        assert found.wait_s("n1", "10.0.0.1", second) == 0
        found.failed("n1", "10.0.0.1", second)
    assert found.wait_s("n1", "10.0.0.1", 10) == tries.WINDOW_S - 10
    assert found.wait_s("n1", "10.0.0.2", 10) == found.wait_s("n2", "10.0.0.1", 10) == 0
    assert found.wait_s("n1", "10.0.0.1", tries.WINDOW_S) == 0


def test_a_success_forgets_the_failures_and_who_guesses_names_is_held_up_too():
    found = Tries()
    for _ in range(tries.TRIES_MAX - 1):
        found.failed("n1", "a", 0)
    found.succeeded("n1", "a")
    found.failed("n1", "a", 1)
    assert found.wait_s("n1", "a", 1) == 0
    for number in range(tries.TRIES_OF_ADDRESS_MAX):
        found.failed(f"guess-{number}", "b", 1)
    assert found.wait_s("fresh", "b", 1) > 0
    assert found.wait_s("fresh", "a", 1) == 0


def test_who_signs_in_rightly_from_one_address_holds_nobody_up_there():
    found = Tries()
    for number in range(500):
        assert found.wait_s(f"n{number}", "ward", 0) == 0
        found.failed(f"n{number}", "ward", 0)
        found.succeeded(f"n{number}", "ward")


def test_what_is_counted_is_bounded(monkeypatch):
    monkeypatch.setattr(tries, "KEPT_MAX", 50)
    found = Tries()
    for number in range(1_000):
        found.failed(f"n{number}", f"a{number}", number)
    assert len(found._failed) == 50
