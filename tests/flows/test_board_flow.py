"""A board beside a worker: alarms arrive, orders are answered, live windows are there, two boards show the same."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from streams_client import Viewer
from worker_flow import frame, wait_until

from edge.board.board_child import board_child
from streams.contracts.deliveries import Delivery
from streams.contracts.topics import DELIVERIES

EPISODE_OF_NOBODY = "0" * 16


@pytest.fixture(scope="module")
def ward(make_ward):
    ward = make_ward(time_base="live", board_port=0)
    ward.start_ready_worker()
    now_s = int(time.time())
    ward.send_all((0, *frame("bed-1", now_s - 5 + second, hr=140, spo2=97)) for second in range(5))
    wait_until(lambda: any(alert["rule"] == "hr-high" for alert in ward.alerts()), "an alarm")
    return ward


@pytest.fixture(scope="module")
def url(ward):
    with board_child(ward.settings) as found:
        wait_until(lambda: status(f"{found}/v1/beds/bed-1") == 200, "a board that has read everything")
        yield found


def status(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def asked(address, order=None):
    data = None if order is None else json.dumps(order).encode()
    origin = "://".join(urlsplit(address)[:2])
    request = urllib.request.Request(address, data, {"Content-Type": "application/json", "Origin": origin})
    with urllib.request.urlopen(request, timeout=15) as answer:
        return json.loads(answer.read())


def alarm_of(url):
    alarms = asked(f"{url}/v1/beds/bed-1")["bed"]["alarms"]
    return next((alarm for alarm in alarms if alarm["rule"] == "hr-high"), None)


def test_a_bed_is_shown_with_its_alarm_limits_and_live_windows(url):
    wait_until(lambda: asked(f"{url}/v1/beds/bed-1")["windows"], "a heartbeat that says where windows are")
    said = asked(f"{url}/v1/beds/bed-1")
    assert alarm_of(url)["value"] == 140
    assert said["late"] == []
    assert said["windows"]["whole"]["hr"] == {"count": 5, "mean": 140.0, "low": 140.0, "high": 140.0}
    assert {value for _, value in said["trend"]["hr"] if value is not None} == {140.0}


def test_an_order_from_the_page_is_answered_and_every_board_shows_what_it_did(url, ward):
    async def test():
        viewer = Viewer(urlsplit(url).port)
        async with viewer.connected():
            await viewer.until(lambda model: "bed-1" in model.beds)
            order = {"kind": "acknowledge", "patient": "bed-1", "episode": alarm_of(url)["episode"]}
            answer = await asyncio.to_thread(asked, f"{url}/v1/commands", order)
            assert (answer["outcome"], len(answer["alerts"])) == ("accepted", 1)
            await viewer.until(
                lambda model: any(
                    alarm["acknowledged_by"] == "development" for alarm in model.beds["bed-1"]["alarms"]
                )
            )
            again = await asyncio.to_thread(asked, f"{url}/v1/commands", order)
            assert (again["outcome"], again["reason"]) == ("refused", "already acknowledged")
            unknown = await asyncio.to_thread(
                asked, f"{url}/v1/commands", order | {"episode": EPISODE_OF_NOBODY}
            )
            assert unknown["outcome"] == "refused"
        return viewer.model

    shown = asyncio.run(test())
    commands = asked(f"{url}/v1/beds/bed-1")["commands"]
    assert [(one["kind"], one["outcome"]) for one in commands][-1] == ("acknowledge", "accepted")
    with board_child(ward.settings) as second:
        wait_until(lambda: status(f"{second}/v1/beds/bed-1") == 200, "another board")
        assert alarm_of(second) == alarm_of(url)
        assert alarm_of(second)["state"] == "acknowledged"
        assert shown.beds["bed-1"]["alarms"]


def test_up_to_when_each_partition_was_judged_moves_on_while_a_worker_judges(url):
    async def test():
        async with Viewer(urlsplit(url).port).connected() as viewer:
            seen = []
            async with asyncio.timeout(15):
                while len({*seen}) < 2 or None in seen[-1:]:
                    seen += [said["partitions"]["0"] for kind, said in await viewer.take() if kind == "clock"]
            assert seen == sorted(seen)

    asyncio.run(test())


def test_what_was_queued_for_boards_is_shown_once_a_page_is_open(url, ward):
    said = {
        "id": "d1",
        "alert": "x-0",
        "episode": "x",
        "patient": "bed-1",
        "ward": "",
        "rule": "hr-high",
        "priority": "medium",
        "step": 1,
        "recipient": "board",
        "channel": "board",
        "at_ts_ms": 1,
    }
    queued = Delivery(**said, milestone="queued")
    ward.send_to(DELIVERIES, 0, b"bed-1", queued.model_dump_json().encode())

    def milestones():
        return [json.loads(record.value)["milestone"] for record in ward.read(DELIVERIES)]

    async def test():
        async with Viewer(urlsplit(url).port).connected() as viewer:
            await viewer.until(lambda model: "bed-1" in model.beds)
            await asyncio.to_thread(wait_until, lambda: "shown" in milestones(), "the milestone")

    asyncio.run(test())
    assert milestones() == ["queued", "shown"]
