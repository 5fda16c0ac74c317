"""One bed's page with sources that are late, exports without formulas, the alarm load, and answers to commands."""

import asyncio
import csv
import io
import json
import threading
import time

import aiohttp
import pytest
from alert_of import alert_of
from board_world import World

from edge.board.asked_at_once import DEADLINE_S
from edge.board.bed_view import joined, means_of
from edge.board.history import QUEUED_MAX, AskedHistory
from edge.board.ordering import Desk
from edge.board.shift_load import KEPT_MS, Starts
from edge.order_sending import make_order
from streams.config.settings import Settings
from streams.contracts.command import Answer
from streams.contracts.window_query import WindowsAnswer
from streams.errors import Busy

HOUR_MS = 3_600_000
PERSON = World().person


class StuckHistory:
    """A history whose disk does not answer."""

    def __init__(self):
        self.release = threading.Event()

    def trend(self, *_):
        self.release.wait(10)
        return {}


class StuckWindows:
    async def last_minutes(self, partition, patient):
        await asyncio.sleep(10)


async def asked(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


def test_what_is_late_is_named_and_the_rest_is_shown_in_time():
    async def test():
        stuck = StuckHistory()
        world = World(history=stuck.trend, windows=StuckWindows())
        world.show("p1")
        async with world.running():
            begun_s = time.monotonic()
            said = json.loads(await asked(f"{world.url}/v1/beds/p1"))
            assert time.monotonic() - begun_s < DEADLINE_S * 4
            assert (said["late"], said["bed"]["patient"]) == (["history", "windows"], "p1")
            stuck.release.set()

    asyncio.run(test())


def test_a_trend_has_steps_that_fit_its_time_and_gaps_stay_gaps():
    asked_for = []

    def trend(settings, patient, from_ts_ms, until_ts_ms, signals, step_s):
        asked_for.append((patient, tuple(signals), step_s))
        return {"hr": [(from_ts_ms, 80.0), (from_ts_ms + 10_000, None)]}

    async def test():
        world = World(history=trend)
        world.show("p1")
        async with world.running():
            address = f"{world.url}/v1/beds/p1/trend?until_ts_ms=100000000000&signals=hr&from_ts_ms="
            for hours in (1, 24, 240):
                said = json.loads(await asked(address + str(100_000_000_000 - hours * HOUR_MS)))
            assert said["trend"]["hr"][1][1] is None
            assert json.loads(await asked(f"{world.url}/v1/beds/p1"))["history"]

    asyncio.run(test())
    assert asked_for[:3] == [("p1", ("hr",), step_s) for step_s in (10, 60, 900)]
    assert asked_for[3][2] == 60


def test_a_history_that_is_stuck_is_not_asked_without_end():
    async def test():
        stuck = StuckHistory()
        history = AskedHistory(Settings(), stuck.trend)
        for _ in range(QUEUED_MAX):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(history.trend("p1", 0, 1, ["hr"]), 0.01)
        with pytest.raises(Busy):
            await history.trend("p1", 0, 1, ["hr"])
        stuck.release.set()
        history.close()

    asyncio.run(test())


def test_a_history_that_begins_after_the_board_is_found_by_the_next_question(tmp_path):
    async def test():
        folder, asked_for = tmp_path / "readings", []
        history = AskedHistory(
            Settings(), lambda *_: asked_for.append(1) or {"hr": [(1, 80.0)]}, folder.is_dir
        )
        assert (await history.trend("p1", 0, 1, ["hr"]), history.is_kept, asked_for) == ({}, False, [])
        folder.mkdir()
        assert await history.trend("p1", 0, 1, ["hr"]) == {"hr": [(1, 80.0)]}
        assert history.is_kept
        history.close()

    asyncio.run(test())


def test_history_and_live_windows_join_without_an_overlap_and_a_gap_stays_a_gap():
    past = {"hr": [(0, 80.0), (30_000, None)]}
    answer = WindowsAnswer(
        patient="p1",
        bucket_ms=30_000,
        judged_ts_ms=150_000,
        minutes=15,
        signals={
            "hr": {
                "ts_ms": (30_000, 60_000, 120_000),
                "mean": (1.0, 2.0, 3.0),
                "low": (1.0, 2.0, 3.0),
                "high": (1.0, 2.0, 3.0),
            }
        },
        whole={},
    )
    assert joined(past, means_of(answer))["hr"] == [
        (0, 80.0),
        (30_000, None),
        (60_000, 2.0),
        (90_000, None),
        (120_000, 3.0),
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", "\uff1d", " =", "\u00a0="])
def test_names_of_an_alarm_list_are_no_formulas(start):
    async def test():
        world, name = World(), f'{start}HYPERLINK("http://elsewhere")'
        world.say("alerts", 0, name, alert_of(patient=name, reason=name, rule=name, append_ts_ms=2_000))
        async with world.running():
            text = (await asked(f"{world.url}/v1/alarms.csv")).decode("utf-8-sig")
        (row,) = list(csv.DictReader(io.StringIO(text)))
        for column in ("patient", "rule", "reason"):
            assert row[column].startswith("'")
        assert row["value"] == "84"

    asyncio.run(test())


def test_an_alarm_counts_once_in_the_shift_in_which_it_began_and_for_a_day():
    starts, now_ms = Starts(), 100 * HOUR_MS
    for number, hours_ago in enumerate((1, 9, 25)):
        told = alert_of(
            id=f"e{number}-0",
            episode=f"e{number}",
            patient="p1",
            priority="high",
            append_ts_ms=now_ms - hours_ago * HOUR_MS,
        )
        starts.take(told)
        starts.take(told)
        starts.take(told.model_copy(update={"id": f"e{number}-1", "phase": "end"}))
    starts.take(alert_of(episode="other", patient="p2", append_ts_ms=now_ms))
    load = starts.load(now_ms, 8 * HOUR_MS, 0, {"p1": "a"})
    assert load["since_ts_ms"] == now_ms - KEPT_MS
    assert [(bed["patient"], bed["ward"], bed["alarms"]["high"]) for bed in load["beds"]] == [
        ("p1", "a", 1)
    ] * 2
    assert {bed["shift_ts_ms"] // HOUR_MS % 24 for bed in load["beds"]} <= {7, 15, 23}
    ahead = starts.load(now_ms, 8 * HOUR_MS, 2 * HOUR_MS, {"p1": "a"})
    assert {bed["shift_ts_ms"] // HOUR_MS % 24 for bed in ahead["beds"]} <= {5, 13, 21}


def answer_of(order, outcome="accepted", monitored=True):
    return Answer(
        id=order.id,
        patient=order.patient,
        command=order.kind,
        outcome=outcome,
        reason="because",
        offset=1,
        append_ts_ms=1,
        monitored=monitored,
    )


class Sent:
    """A desk whose commands all reach Kafka."""

    def __init__(self, partitions):
        self.desk = Desk(Settings(), partitions)
        self.desk._producer = self

    def send(self, key, value, partition=None):
        return self

    def get(self, timeout):
        return None


def test_the_answer_of_who_monitors_the_patient_counts_at_once():
    async def test():
        desk, order = Sent(8).desk, make_order("resume", PERSON, patient="p1")
        waiting = asyncio.ensure_future(desk.order(order, PERSON, 5.0))
        await asyncio.sleep(0.01)
        desk.answered([answer_of(order, "refused", monitored=False)])
        assert not waiting.done()
        desk.answered([answer_of(order)])
        assert (await waiting).outcome == "accepted"
        assert desk._waiting == {}

    asyncio.run(test())


def test_where_nobody_monitors_the_patient_the_best_of_all_answers_counts():
    async def test():
        desk, order = Sent(2).desk, make_order("resume", PERSON, patient="p1")
        waiting = asyncio.ensure_future(desk.order(order, PERSON, 5.0))
        await asyncio.sleep(0.01)
        desk.answered([answer_of(order, "refused", monitored=False)] * 2)
        assert (await waiting).outcome == "refused"

    asyncio.run(test())


def test_no_answer_is_none_and_an_answer_to_nobody_is_passed_over():
    async def test():
        desk, order = Sent(2).desk, make_order("resume", PERSON, patient="p1")
        desk.answered([answer_of(make_order("resume", PERSON, patient="p1"))])
        assert await desk.order(order, PERSON, 0.05) is None

    asyncio.run(test())
