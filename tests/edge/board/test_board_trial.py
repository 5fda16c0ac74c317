"""Rules on trial at the board: what a viewer may see of a comparison, made once for all who ask."""

import asyncio

import aiohttp
from board_world import World

from edge.board import trial
from edge.board.trial import Trial, shown_to
from edge.shadow.compare import OUTCOMES
from streams.config.settings import Settings
from streams.contracts.people import Person
from streams.errors import VigilError

NURSE_OF_A = Person(id="nurse-1", role="nurse", wards=("a",))
ADMINISTRATOR = Person(id="admin-1", role="administrator", wards=("*",))


def line(ward, rule="hr-high", **counts):
    return {"ward": ward, "rule": rule, "present": 3, "new": 2} | dict.fromkeys(OUTCOMES, 0) | counts


def difference(ward, outcome, shift_s=0.0, rule="hr-high"):
    present = [] if outcome == "only-new" else [{"priority": "high", "start_ts_ms": 1}]
    new = [] if outcome == "only-present" else [{"priority": "medium", "start_ts_ms": 1}]
    more = {
        "start_ts_ms": 1,
        "instead": [],
        "reason": "because",
        "present": present,
        "new": new,
        "readings": None,
    }
    return {
        "patient": f"p-{ward}",
        "ward": ward,
        "rule": rule,
        "outcome": outcome,
        "shift_s": shift_s,
        **more,
    }


def comparison():
    decision = {
        "name": "0123",
        "file": "new.toml",
        "number": 1,
        "actor": "e",
        "reason": "r",
        "since_ts_ms": 1,
    }
    shifts = [difference("a", "later", seconds) for seconds in (2.0, 4.0, 60.0)]
    return {
        "rules": decision,
        "present": None,
        "since_ts_ms": 1,
        "until_ts_ms": 2,
        "lag": {"0": 3, "1": 4},
        "totals": {"only-new": 5, "later": 3, "same": 9},
        "counts": [line("a", later=3, **{"only-present": 1}, same=9), line("b", **{"only-new": 5})],
        "differences_total": 9,
        "differences": [difference("a", "only-present"), *[difference("b", "only-new")] * 5, *shifts],
    }


def test_a_viewer_sees_the_own_wards_counted_anew_and_nothing_of_others():
    shown = shown_to(NURSE_OF_A, comparison())
    assert "p-b" not in str(shown)
    assert shown["totals"] == {"only-present": 1, "later": 3, "same": 9}
    assert (shown["differences_total"], len(shown["differences"]), shown["behind"]) == (4, 4, 7)
    (counts,) = shown["counts"]
    assert (counts["later_s"], counts["earlier_s"]) == (4.0, None)
    assert [(one["present"], one["new"]) for one in shown["differences"][:2]] == [
        ("high", None),
        ("high", "medium"),
    ]


def test_who_may_view_no_ward_sees_no_patient():
    shown = shown_to(ADMINISTRATOR, comparison())
    assert (shown["counts"], shown["differences"], shown["differences_total"]) == ([], [], 0)


async def in_thread(within_s, looked, *said):
    """Stand in for a process of its own."""
    return await asyncio.to_thread(looked, *said)


def visit(looked, times=1, person=NURSE_OF_A):
    async def test():
        part = Trial(Settings(), 2, looked, in_thread)
        world = World(person=person, more=[part])
        async with world.running(), aiohttp.ClientSession() as session:

            async def ask():
                async with session.get(f"{world.url}/v1/shadow") as answer:
                    return answer.status, await answer.json(content_type=None)

            found = await asyncio.gather(*(ask() for _ in range(times)))
            await part.close()
            return found

    return asyncio.run(test())


def test_a_comparison_is_made_once_for_all_who_ask_within_a_minute():
    made = []

    def looked(settings, since_ms):
        made.append(settings.partitions)
        return comparison()

    found = visit(looked, times=5)
    assert made == [2]
    assert {status for status, _ in found} == {200}


def test_where_no_rules_are_tried_the_page_is_told_so():
    assert visit(lambda *_: None) == [(200, {"rules": None})]


def test_a_comparison_that_fails_is_made_again_and_its_reason_stays_in_the_log(caplog):
    def looked(*_):
        raise VigilError("secret-host:9092 does not answer")

    ((status, said),) = visit(looked)
    assert status == 503
    assert "secret-host" not in str(said)
    assert "secret-host" in caplog.text


def test_a_page_waits_only_so_long_for_a_comparison(monkeypatch):
    import threading

    monkeypatch.setattr(trial, "WAIT_S", 0.05)
    release = threading.Event()

    async def test():
        part = Trial(Settings(), 2, lambda *_: release.wait(10) and None, in_thread)
        world = World(more=[part])
        async with world.running(), aiohttp.ClientSession() as session:
            async with session.get(f"{world.url}/v1/shadow") as answer:
                assert answer.status == 503
            release.set()
            await part.close()

    asyncio.run(test())
