"""Who is on at the board: who is asked at each bed, said by whoever may configure the ward, and seen at once."""

import asyncio
import json
import time

import aiohttp
import pytest
from board_world import World

from edge.board import rota_routes
from edge.rota import ended, make_assignment
from streams.contracts.people import MAY, ROLES, Person
from streams.contracts.reference import BedFacts, Reference, WardFacts
from streams.errors import BrokerUnreachable

HOUR_MS = 3_600_000
WARD = "~ward/a"


def person(role="engineer", *wards):
    return Person(id=f"{role}-1", role=role, wards=wards or ("a",))


def shift(place=WARD, role="nurse", who="n-1", begins_h=-1.0, ends_h=7.0):
    now_ms = int(time.time() * 1000)
    times = now_ms + int(begins_h * HOUR_MS), now_ms + int(ends_h * HOUR_MS)
    return make_assignment(place, role, who, *times, "desk-1")


def world_of(*assignments, who=None, ready=True):
    world = World(person=who or person())
    for patient, ward in (("p1", "a"), ("p2", "a"), ("p3", "b")):
        world.show(patient, ward)
    world.rota.known = {one.key(): one for one in assignments}
    if ready:
        world.rota._ready.set()
        world.rota._current_s = time.monotonic()
    return world


class Kafka:
    """Takes what is stored, as the follower would read it."""

    def __init__(self, world, monkeypatch):
        self.world, self.failure = world, None
        monkeypatch.setattr("edge.rota.write_assignments", self.write)

    def write(self, settings, set_, cleared=()):
        if self.failure is not None:
            raise self.failure
        cleared = set(cleared)
        kept = {key: one for key, one in self.world.rota.known.items() if key not in cleared}
        self.world.rota.known = kept | {one.key(): one for one in set_}


def visit(world, *bodies, kind="application/json"):
    """Say each body, then look; return the answers' statuses and JSON, and what is shown."""

    async def test():
        async with world.running(), aiohttp.ClientSession() as session:
            address, answers = f"{world.url}/v1/assignments", []
            for body in bodies:
                data = body if isinstance(body, str) else json.dumps(body)
                async with session.post(address, data=data, headers={"Content-Type": kind}) as answer:
                    answers.append((answer.status, await answer.json(content_type=None)))
            async with session.get(address) as answer:
                return answers, await answer.json()

    return asyncio.run(test())


def asked(shown, ward="a"):
    (found,) = [each for each in shown["wards"] if each["ward"] == ward]
    return {
        bed["patient"]: [(one["role"], one["people"], one["own"]) for one in bed["asked"]]
        for bed in found["beds"]
    }


def test_a_beds_own_people_are_asked_there_and_the_wards_everywhere_else():
    world = world_of(
        shift(), shift(who="n-2"), shift("p2", who="n-9"), shift(role="charge", who="c-1", begins_h=2)
    )
    _, shown = visit(world)
    assert asked(shown) == {"p1": [("nurse", ["n-1", "n-2"], False)], "p2": [("nurse", ["n-9"], True)]}
    (ward,) = shown["wards"]
    assert [(one["person"], one["is_on"]) for one in ward["assignments"] if one["role"] == "charge"] == [
        ("c-1", False)
    ]


def test_wards_and_beds_have_the_names_of_the_reference_data():
    world = world_of(shift("p1"))
    facts = (
        WardFacts(ward="a", name="North", reporter="r"),
        BedFacts(patient="p1", label="Bed 1", reporter="r"),
    )
    world.live.refer(Reference().changed({fact.key: fact for fact in facts}))
    (ward,) = visit(world)[1]["wards"]
    assert (ward["name"], ward["assignments"][0]["label"]) == ("North", "Bed 1")
    assert [bed["label"] for bed in ward["beds"]] == ["Bed 1", "p2"]


def test_what_is_said_is_stored_by_who_is_signed_in_and_is_seen_with_the_answer(monkeypatch):
    world = world_of()
    Kafka(world, monkeypatch)
    until_ms = int(time.time() * 1000) + HOUR_MS
    said = {"act": "assign", "place": "p1", "role": "nurse", "person": "n-3", "until_ts_ms": until_ms}
    ((status, answer),), shown = visit(world, said)
    assert (status, answer["outcome"]) == (200, "accepted")
    assert answer["reason"].startswith("n-3 is nurse of p1 until ")
    (one,) = world.rota.known.values()
    assert (one.reporter, one.until_ts_ms) == ("engineer-1", until_ms)
    assert asked(shown)["p1"] == [("nurse", ["n-3"], True)]
    assert [each[1:] for each in world.audited] == [("configure", "p1", "a", "granted")]


def test_a_shift_that_has_begun_ends_now_and_one_that_is_planned_is_gone(monkeypatch):
    begun, planned = shift(), shift(begins_h=1)
    world = world_of(begun, planned)
    Kafka(world, monkeypatch)
    end = {"act": "end", "place": WARD, "role": "nurse", "person": "n-1"}
    answers, shown = visit(
        world, end | {"from_ts_ms": begun.from_ts_ms}, end | {"from_ts_ms": planned.from_ts_ms}, end
    )
    assert [answer["outcome"] for _, answer in answers] == ["accepted", "accepted", "refused"]
    assert answers[2][1]["reason"] == f"n-1 is not assigned as nurse of {WARD}"
    (left,) = world.rota.known.values()
    assert (left.key(), left.reporter) == (begun.key(), "engineer-1")
    assert left.until_ts_ms <= int(time.time() * 1000)
    assert asked(shown)["p1"] == []


def test_an_end_touches_nobody_else_and_no_other_shift():
    now_ms = int(time.time() * 1000)
    mine, later, other = shift(), shift(begins_h=8, ends_h=16), shift(who="n-2")
    known = {one.key(): one for one in (mine, later, other)}
    short, cleared = ended(known, WARD, "nurse", "n-1", None, now_ms)
    assert ([one.key() for one in short], cleared) == ([mine.key()], [])
    assert ended(known, WARD, "nurse", "n-1", later.from_ts_ms, now_ms) == ([], [later.key()])
    assert ended(known, WARD, "charge", "n-1", None, now_ms) == ([], [])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("place", [WARD, "p1", "~ward/b", "p3", "nobody"])
def test_who_says_who_is_on_is_whom_the_table_lets_configure_the_ward(monkeypatch, role, place):
    world = world_of(who=person(role))
    Kafka(world, monkeypatch)
    said = {"act": "assign", "place": place, "role": "nurse", "person": "n-1"}
    ((status, answer),), shown = visit(world, said | {"until_ts_ms": int(time.time() * 1000) + HOUR_MS})
    may = "configure" in MAY[role] and place in (WARD, "p1")
    assert status == (200 if may else 403)
    assert bool(world.rota.known) == may
    assert world.audited[0][4] == ("granted" if may else "refused")
    if not may:
        assert answer["detail"].endswith("engineer, administrator, system of the ward may")
    if role == "administrator":
        (ward,) = shown["wards"]
        assert (ward["may"], ward["beds"]) == (True, [])
        assert [one for one in ward["assignments"] if not one["is_ward"]] == []
    else:
        assert [each["ward"] for each in shown["wards"]] == ["a"]


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ("[]", 400, "an assignment has act"),
        (
            '{"act":"assign","place":"p1","role":"nurse","person":"n-1","reporter":"boss"}',
            400,
            "an assignment has",
        ),
        (
            '{"act":"assign","place":"p1","role":"nurse","person":"n-1","until_ts_ms":1e99}',
            400,
            "an assignment has",
        ),
        (
            '{"act":"assign","place":"p1","role":"nurse","person":"n-1","until_ts_ms":5}',
            200,
            "until: should be later",
        ),
        (
            '{"act":"assign","place":"p1","role":"nurse","person":" ","until_ts_ms":5}',
            200,
            "person: should be",
        ),
    ],
)
def test_what_is_no_assignment_is_told_in_one_line_and_not_stored(monkeypatch, body, status, detail):
    world = world_of()
    Kafka(world, monkeypatch)
    ((got, answer),), _ = visit(world, body)
    assert got == status
    assert answer.get("detail", answer.get("reason")).startswith(detail)
    assert world.rota.known == {}


def test_an_assignment_is_json_so_that_no_form_of_another_page_says_one():
    ((status, _),), _ = visit(world_of(), "{}", kind="text/plain")
    assert status == 415


def test_without_kafka_the_answer_is_that_none_has_come(monkeypatch):
    world = world_of(shift())
    Kafka(world, monkeypatch).failure = BrokerUnreachable("no broker at secret-host:9092")
    ((status, answer),), _ = visit(world, {"act": "end", "place": WARD, "role": "nurse", "person": "n-1"})
    assert status == 504
    assert "secret-host" not in json.dumps(answer)


def test_so_many_are_stored_at_once_and_one_more_is_told_to_come_back(monkeypatch):
    monkeypatch.setattr(rota_routes, "WRITING_MAX", 0)
    ((status, _),), _ = visit(world_of(), {"act": "end", "place": WARD, "role": "nurse", "person": "n-1"})
    assert status == 503


def test_before_the_topic_was_read_nobody_is_shown_as_not_assigned():
    ((status, _),), shown = visit(
        world_of(ready=False), {"act": "end", "place": WARD, "role": "nurse", "person": "n-1"}
    )
    assert (status, shown["status"]) == (503, 503)
