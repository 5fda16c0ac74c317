"""Who is on for a bed."""

from streams.contracts.deliveries import Assignment
from streams.contracts.duty import PEOPLE_MAX, Duty


def assignment(place="~ward/north", role="nurse", person="n-1", begins=100, ends=200):
    return Assignment(
        place=place, role=role, person=person, from_ts_ms=begins, until_ts_ms=ends, reporter="desk-1"
    )


def duty(*assignments):
    found = Duty()
    for one in assignments:
        found.take(one.key(), one)
    return found


def test_the_wards_people_are_on_from_the_beginning_of_their_shift_until_its_end():
    found = duty(assignment(), assignment(person="n-2", begins=200, ends=300))
    said = [found.on("bed-1", "north", "nurse", now) for now in (99, 100, 199, 200, 300)]
    assert said == [(), ("n-1",), ("n-1",), ("n-2",), ()]


def test_a_beds_own_people_stand_for_the_wards():
    found = duty(assignment(), assignment(place="bed-1", person="n-7"))
    assert found.on("bed-1", "north", "nurse", 150) == ("n-7",)
    assert found.on("bed-2", "north", "nurse", 150) == ("n-1",)
    assert found.on("bed-1", "north", "charge-nurse", 150) == ()


def test_what_is_cleared_counts_no_more_and_a_newer_word_replaces_an_older():
    one = assignment()
    found = duty(one, one.model_copy(update={"until_ts_ms": 150}))
    assert found.on("bed-1", "north", "nurse", 160) == ()
    found.take(one.key(), None)
    assert (len(found), found.on("bed-1", "north", "nurse", 120)) == (0, ())


def test_people_of_one_role_are_told_together_up_to_a_bound():
    found = duty(*(assignment(person=f"n-{number:02}") for number in range(PEOPLE_MAX + 1)))
    assert found.on("bed-1", "north", "nurse", 150) == tuple(f"n-{number:02}" for number in range(PEOPLE_MAX))
