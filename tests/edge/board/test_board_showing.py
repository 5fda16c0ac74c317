"""What was queued for boards is shown when a screen of its ward has it; what is written above beds is shown too."""

import asyncio
import json

from alert_of import alert_of
from board_world import World
from streams_client import Viewer

from edge.board.audience import Audience
from edge.board.showing import AGAIN_S, PENDING_MAX, Showing
from streams.contracts.deliveries import Delivery
from streams.contracts.reference import BedFacts, Reference, WardFacts


def queued(name="d1", **said):
    usual = {"id": name, "alert": "e1-0", "episode": "e1", "patient": "p1", "ward": "a", "rule": "spo2-low"}
    more = {"priority": "high", "step": 1, "recipient": "board", "channel": "board", "milestone": "queued"}
    return Delivery(**usual | more | {"at_ts_ms": 1} | said)


def seen_by(*wards):
    return lambda ward: ward in wards


def test_a_delivery_is_due_where_somebody_sees_its_ward_and_again_only_when_it_has_not_come_back():
    showing = Showing()
    showing.take(queued())
    assert showing.due(seen_by("b"), 0.0) == []
    assert showing.due(seen_by("a"), 0.0) == [queued()]
    showing.written(queued(), 0.0)
    assert showing.due(seen_by("a"), AGAIN_S - 1) == []
    assert showing.due(seen_by("a"), AGAIN_S) == [queued()]
    showing.take(queued(milestone="shown"))
    assert showing.due(seen_by("a"), 10 * AGAIN_S) == []


def test_what_is_over_or_of_another_channel_is_never_due():
    showing = Showing()
    for name, milestone in (("d1", "accepted"), ("d2", "expired")):
        showing.take(queued(name))
        showing.take(queued(name, milestone=milestone))
    showing.take(queued("d3", channel="pager"))
    assert showing.due(seen_by("a"), 0.0) == []


def test_so_many_wait_to_be_shown_and_no_more():
    showing = Showing()
    for number in range(PENDING_MAX + 5):
        showing.take(queued(str(number)))
    found = showing.due(seen_by("a"), 0.0)
    assert (len(found), found[0].id) == (PENDING_MAX, "5")


def test_a_ward_is_seen_while_a_page_of_it_is_open():
    async def test():
        world = World()
        world.show("p1", ward="a")
        async with world.running():
            assert not world.hub.is_seen("a")
            async with Viewer(world.server.port).connected() as viewer:
                await viewer.until(lambda model: "p1" in model.beds)
                assert world.hub.is_seen("a")

    asyncio.run(test())


def test_what_is_written_above_a_bed_is_shown_as_soon_as_somebody_says_it():
    world = World()
    world.show("p1")
    world.begin()
    assert json.loads(world.live.shown["p1"].json)["bed"] is None
    fact = BedFacts(patient="p1", label="ICU 1", reporter="r")
    world.live.refer(Reference().changed({fact.key: fact}))
    assert set(world.live.look().beds) == {"p1"}
    assert json.loads(world.live.shown["p1"].json)["bed"] == "ICU 1"
    world.live.refer(world.live.state.reference)
    assert not world.live.has_changed


def named(world, **names):
    facts = [WardFacts(ward=ward, name=name, reporter="r") for ward, name in names.items()]
    world.live.refer(Reference().changed({fact.key: fact for fact in facts}))


def test_wards_are_called_as_the_reference_data_say_and_open_pages_hear_of_a_new_name():
    async def test():
        world = World()
        world.show("p1", "a")
        world.show("p2", "b")
        named(world, a="North")
        async with world.running():
            viewer = Viewer(world.server.port)
            async with viewer.connected():
                ((_, first), *_) = await viewer.take()
                assert first["wards"] == [{"ward": "a", "name": "North"}, {"ward": "b", "name": "b"}]
                named(world, a="North", b="South")
                assert await heard(viewer) == [("a", "North"), ("b", "South")]
                world.show("p3", "c")
                assert await heard(viewer) == [("a", "North"), ("b", "South"), ("c", "c")]
            named(world, a="Northern", b="South")
            world.live.look()
            async with viewer.connected():  # from where it was: no snapshot, but the names
                assert await heard(viewer) == [("a", "Northern"), ("b", "South"), ("c", "c")]

    asyncio.run(test())


async def heard(viewer):
    """Return what wards are called by the next event that says so."""
    async with asyncio.timeout(5):
        while True:
            for kind, said in await viewer.take():
                assert kind != "snapshot"
                if kind == "wards":
                    return [(one["ward"], one["name"]) for one in said["wards"]]


def test_who_sees_another_ward_only_hears_nothing_of_a_name():
    world = World()
    world.show("p1", "a")
    world.begin()
    named(world, a="North")
    change = world.live.look()
    assert world.live.told(Audience(frozenset({"b"})), change, 0) == b""
    assert b"North" in world.live.told(Audience(frozenset({"a"})), change, 0)


def test_an_alarm_of_a_ward_is_called_by_the_wards_name():
    world = World()
    world.say("alerts", 0, "~ward/a", alert_of(patient="~ward/a", rule="ward-silent", append_ts_ms=1))
    world.begin()
    named(world, a="North")
    world.live.look()
    assert json.loads(world.live.shown["~ward/a"].json)["bed"] == "Ward North"
