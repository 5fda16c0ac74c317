"""Sessions: bounded in rest, age and number, and never the one that a stranger brought."""

from signing import person

from edge.identity import sessions
from edge.identity.sessions import Sessions

NURSE = person("nurse-1")


def test_a_session_ends_by_rest_by_age_and_by_signing_out():
    found = Sessions(idle_s=100, age_s=250)
    secret = found.begin(NURSE, True, 0)
    assert found.find(secret, 99).person.id == "nurse-1"
    assert found.find(secret, 199) is None
    secret = found.begin(NURSE, True, 200)
    assert all(found.find(secret, at) for at in (290, 380, 449))
    assert found.find(secret, 450) is None
    secret = found.begin(NURSE, True, 500)
    found.end(secret)
    assert found.find(secret, 500) is None
    assert len(found) == 0


def test_a_screen_s_session_does_not_end_by_rest_and_looking_is_no_use():
    found = Sessions(idle_s=100, age_s=250)
    screen = found.begin(person("wall-1", "viewer"), True, 0, is_screen=True)
    nurse = found.begin(NURSE, True, 0)
    assert found.find(nurse, 99, is_use=False)
    assert found.find(nurse, 101) is None
    assert found.find(screen, sessions.SCREEN_AGE_S - 1)
    assert found.find(screen, sessions.SCREEN_AGE_S) is None


def test_each_sign_in_is_another_secret_and_its_id_in_records_is_not_the_secret():
    found = Sessions(100, 100)
    one, two = found.begin(NURSE, True, 0), found.begin(NURSE, True, 0)
    assert one != two
    assert len(one) >= 43
    named = found.find(one, 1).person.session
    assert named
    assert named not in one
    assert found.find(named, 1) is None


def test_nobody_else_s_secret_is_a_session():
    found = Sessions(100, 100)
    found.begin(NURSE, True, 0)
    assert all(found.find(guess, 1) is None for guess in ("", "x", "x" * 100_000, "\x00"))


def test_sessions_are_bounded_in_all_and_of_one_person(monkeypatch):
    found = Sessions(100, 100)
    mine = [found.begin(NURSE, True, 0) for _ in range(sessions.SESSIONS_OF_PERSON_MAX + 1)]
    assert found.find(mine[0], 1) is None
    assert all(found.find(secret, 1) for secret in mine[1:])
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 30)
    for number in range(100):
        found.begin(person(f"n{number}"), True, 1)
    assert len(found) == 30
