"""The board over a real port: streams that go on where they were, who is turned away, and what every answer carries."""

import asyncio
import json

import aiohttp
import pytest
from alert_of import alert_of
from board_world import World, open_alarm, patient_of
from prometheus_client import CollectorRegistry
from streams_client import Viewer

from edge.board import hub, routes
from edge.board.board_access import doors_of
from edge.board.responses import HEADERS
from edge.board.viewer import BACKLOG_BYTES_MAX
from streams.config.settings import Settings
from streams.contracts.people import Person

NURSE_OF_A = Person(id="n1", role="nurse", wards=("a",))
ADMINISTRATOR = Person(id="root", role="administrator", wards=("*",))


def run(test):
    asyncio.run(asyncio.wait_for(test, 30))


async def get(url, **headers):
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


async def post(url, body, **headers):
    usual = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=usual | headers) as answer,
    ):
        return answer.status, await answer.read()


def test_a_viewer_is_sent_all_there_is_and_then_what_changes():
    async def test():
        world = World()
        world.show("p1")
        async with world.running(), Viewer(world.server.port).connected() as viewer:
            await viewer.until(lambda model: "p1" in model.beds)
            assert "text/event-stream" in viewer.headers
            world.say("alerts", 0, "p1", alert_of(patient="p1", append_ts_ms=2_000))
            await viewer.until(lambda model: model.beds["p1"]["alarms"])
            world.say("patients", 0, "p1", None, ts_ms=99_000)
            world.say("alerts", 0, "p1", alert_of(id="e1-1", patient="p1", phase="end", state="inactive"))
            await viewer.until(lambda model: "p1" not in model.beds)

    run(test())


def test_who_comes_back_is_sent_only_what_has_changed_meanwhile():
    async def test():
        world = World()
        for name in ("p1", "p2", "p3"):
            world.show(name)
        async with world.running():
            viewer = Viewer(world.server.port)
            async with viewer.connected():
                await viewer.until(lambda model: len(model.beds) == 3)
            world.show("p2", hr=99.0, judged_ms=2_000)
            world.show("p3", ward="elsewhere", judged_ms=2_000)
            async with viewer.connected():
                found = []
                while viewer.model.beds["p2"]["values"]["hr"]["value"] != 99.0:
                    found += await viewer.take()
            changed = [bed["patient"] for kind, said in found if kind == "beds" for bed in said["beds"]]
            assert (set(changed), viewer.model.snapshots) == ({"p2", "p3"}, 1)
            assert viewer.model.beds["p3"]["ward"] == "elsewhere"

    run(test())


@pytest.mark.parametrize("position", ["", "nonsense", "AAAA", "x" * 20_000])
def test_a_position_that_is_none_brings_the_whole_state(position):
    async def test():
        world = World()
        world.show("p1")
        async with world.running():
            viewer = Viewer(world.server.port, f"/v1/stream?from={position}")
            async with viewer.connected():
                await viewer.until(lambda model: model.snapshots == 1)

    run(test())


def test_a_viewer_sees_the_wards_that_it_asked_for_and_may_view():
    async def test():
        world = World(person=NURSE_OF_A)
        world.show("p1", ward="a")
        world.show("p2", ward="b")
        world.say("alerts", 0, "~partition/0", alert_of(patient="~partition/0", type="technical"))
        async with world.running():
            async with Viewer(world.server.port).connected() as viewer:
                await viewer.until(lambda model: model.snapshots)
                assert set(viewer.model.beds) == {"p1", "~partition/0"}
                world.show("p1", ward="b", judged_ms=2_000)
                await viewer.until(lambda model: "p1" not in model.beds)
            async with Viewer(world.server.port, "/v1/stream?ward=a&ward=b").connected() as viewer:
                assert viewer.status == 403
            for path, status in (("/v1/beds/p2", 404), ("/v1/beds/nobody", 404), ("/v1/beds/p1", 404)):
                assert (await get(world.url + path))[0] == status

    run(test())


def test_who_may_view_nothing_gets_no_stream_no_bed_and_an_empty_list():
    async def test():
        world = World(person=ADMINISTRATOR)
        world.show("p1", alarms=[open_alarm()])
        async with world.running():
            assert (await get(f"{world.url}/v1/stream"))[0] == 403
            assert (await get(f"{world.url}/v1/beds/p1"))[0] == 404
            assert b"p1" not in (await get(f"{world.url}/v1/alarms.csv"))[2]
            assert b"p1" not in (await get(f"{world.url}/v1/load"))[2]

    run(test())


def test_nobody_is_answered_without_having_signed_in():
    async def test():
        world = World(person=None)
        async with world.running():
            for path in ("/", "/v1/stream", "/v1/beds/p1", "/v1/me", "/v1/load", "/v1/alarms.csv"):
                assert (await get(world.url + path))[0] == 401
            ours = {"Sec-Fetch-Site": "same-origin"}
            assert (await post(f"{world.url}/v1/commands", b"{}", **ours))[0] == 401

    run(test())


def test_every_answer_forbids_what_comes_from_elsewhere():
    async def test():
        world = World()
        world.show("p1")
        async with world.running():
            for path in (
                "/",
                "/assets/board.js",
                "/v1/me",
                "/v1/beds/p1",
                "/nowhere",
                "/assets/../board_access.py",
            ):
                _, headers, _ = await get(world.url + path)
                assert {name: headers.get(name) for name in HEADERS} == dict(HEADERS)
            async with Viewer(world.server.port).connected() as viewer:
                assert "default-src 'none'" in viewer.headers
                assert "no-store" in viewer.headers

    run(test())


def test_the_pages_files_are_served_with_their_types_and_nothing_else_of_the_disk_is():
    async def test():
        world = World()
        async with world.running():
            for path in ("/", "/bed/p1", "/load"):
                status, headers, _ = await get(world.url + path)
                assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            _, headers, _ = await get(f"{world.url}/assets/board.js")
            assert headers["Content-Type"] == "text/javascript; charset=utf-8"
            status, _, _ = await get(f"{world.url}/assets/board.js", **{"If-None-Match": headers["ETag"]})
            assert status == 304
            for path in ("/assets/nothing.js", "/assets/%2e%2e/board_access.py", "/assets//etc/passwd"):
                assert (await get(world.url + path))[0] == 404

    run(test())


def test_a_text_of_a_record_is_never_part_of_a_page():
    """CVE-2020-16218: a central station's page ran what a name held."""
    script = "<script>alert(1)</script>"

    async def test():
        world = World()
        world.say("alerts", 0, "p1", alert_of(patient="p1", reason=script, append_ts_ms=2_000))
        async with world.running():
            for path in (
                "/v1/beds/p1",
                "/v1/alarms.csv",
                f"/v1/beds/{script}",
                f"/nowhere{script}",
                "/v1/load?shift_h=x",
            ):
                _, headers, _ = await get(world.url + path)
                assert not headers["Content-Type"].startswith("text/html")
                assert headers["X-Content-Type-Options"] == "nosniff"
            _, _, page = await get(f"{world.url}/bed/{script}")
            assert b"script" not in page

    run(test())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Content-Type": "text/plain"},
        {"Host": "elsewhere.example"},
    ],
)
def test_a_command_from_another_page_is_refused(headers):
    async def test():
        world = World(doors=doors_of(Settings(), CollectorRegistry()))
        async with world.running():
            status, _ = await post(f"{world.url}/v1/commands", b'{"kind":"resume","patient":"p1"}', **headers)
            assert status in (403, 415, 421)

    run(test())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"kind":"dance","patient":"p1"}',
        b'{"kind":"resume","patient":5}',
        b'{"kind":"pause","patient":"p1","seconds":"x"}',
        b"[" * 10_000,
    ],
)
def test_what_is_no_command_is_refused_and_never_an_error_of_the_board(body):
    async def test():
        world = World()
        async with world.running():
            assert (await post(f"{world.url}/v1/commands", body))[0] in (400, 403)

    run(test())


def test_a_command_beyond_what_somebody_may_is_refused_before_it_is_sent():
    async def test():
        world = World(person=Person(id="v1", role="viewer", wards=("*",)))
        world.show("p1")
        async with world.running():
            body = json.dumps({"kind": "acknowledge", "patient": "p1", "episode": "0" * 16}).encode()
            assert (await post(f"{world.url}/v1/commands", body))[0] == 403
            world.person = NURSE_OF_A
            world.show("p2", ward="b")
            assert (await post(f"{world.url}/v1/commands", body.replace(b"p1", b"p2")))[0] == 403

    run(test())


def test_before_everything_is_read_pages_are_told_to_come_back():
    async def test():
        world = World()
        async with world.running(ready=False):
            status, headers, _ = await get(f"{world.url}/v1/stream")
            assert (status, "Retry-After" in headers) == (503, True)

    run(test())


def test_viewers_beyond_the_bound_are_told_to_come_back_later():
    async def test():
        world = World(viewers_max=1)
        async with world.running(), Viewer(world.server.port).connected():
            assert (await get(f"{world.url}/v1/stream"))[0] == 503

    run(test())


def test_a_viewer_that_takes_nothing_is_cut_and_delays_nobody():
    async def test():
        world = World()
        async with world.running():
            stuck, other = Viewer(world.server.port), Viewer(world.server.port)
            async with stuck.connected(), other.connected():
                seen = 0.0
                values = {f"p{n}": patient_of(f"p{n}", ward="a" * 100) for n in range(200)}
                while world.hub.count == 2:
                    seen += 1
                    for name, record in values.items():
                        world.say("patients", 0, name, record.model_copy(update={"seen_ts_ms": int(seen)}))
                    want = int(seen)
                    await other.until(
                        lambda model, want=want: model.beds.get("p199", {}).get("seen_ts_ms") == want
                    )
                    world.hub._urgent.set()
                assert seen * 200 * 300 > BACKLOG_BYTES_MAX
                world.show("last")
                await other.until(lambda model: "last" in model.beds)

    run(test())


def test_at_the_end_streams_end_in_order_and_pages_go_on_with_another_board():
    async def test():
        first, second = World(), World()
        for world in (first, second):
            world.show("p1")
        viewer = Viewer(0)
        async with second.running():
            async with first.running():
                viewer.port = first.server.port
                await viewer.connect()
                await viewer.until(lambda model: "p1" in model.beds)
            while await viewer.take() is not None:
                pass
            await viewer.close()
            second.show("p2")
            viewer.port = second.server.port
            async with viewer.connected():
                await viewer.until(lambda model: {"p1", "p2"} <= set(model.beds))

    run(test())


def test_an_alarm_that_comes_while_values_are_told_reaches_all_and_every_viewer_ends_with_the_same(
    monkeypatch,
):
    async def test():
        monkeypatch.setattr(hub, "BETWEEN_YIELDS", 1)
        world = World()
        world.show("p1")
        async with world.running():
            viewers = [Viewer(world.server.port) for _ in range(8)]
            for viewer in viewers:
                await viewer.connect()
                await viewer.until(lambda model: "p1" in model.beds)
            write, alarms = world.hub._write, iter(range(100))

            async def disturbed(writes, until_urgent=False):
                if until_urgent and writes:
                    number = next(alarms)
                    world.say(
                        "alerts", 0, "p1", alert_of(episode=f"e{number}", id=f"e{number}-0", patient="p1")
                    )
                return await write(writes, until_urgent)

            world.hub._write = disturbed
            for rate in (90.0, 91.0, 92.0):
                world.show("p1", hr=rate, judged_ms=1_000)
                for viewer in viewers:
                    await viewer.until(
                        lambda model, rate=rate: model.beds["p1"]["values"]["hr"]["value"] == rate
                    )
            told = next(alarms)
            assert told == 3
            for viewer in viewers:
                await viewer.until(lambda model: len(model.beds["p1"]["alarms"]) == told)
                assert (viewer.model.snapshots, viewer.model.position) == (1, world.live.text)
                await viewer.close()

    run(test())


def test_who_opens_a_bed_is_audited_and_so_is_who_may_not():
    async def test():
        world = World(person=NURSE_OF_A)
        world.show("p1", ward="a")
        world.show("p2", ward="b")
        async with world.running():
            for path in ("/v1/beds/p1", "/v1/beds/p2/trend", "/v1/beds/nobody"):
                await get(world.url + path)
        assert [said[1:] for said in world.audited] == [
            ("view", "p1", "a", "granted"),
            ("view", "p2", "b", "refused"),
        ]

    run(test())


def test_a_stream_ends_after_its_time_and_goes_on_through_the_door(monkeypatch):
    async def test():
        monkeypatch.setattr(routes, "STREAM_S_MAX", 0.2)
        world = World()
        world.show("p1")
        async with world.running():
            viewer = Viewer(world.server.port)
            async with viewer.connected():
                await viewer.until(lambda model: "p1" in model.beds)
                while await viewer.take() is not None:
                    pass
            world.person = None
            async with viewer.connected():
                assert viewer.status == 401

    run(test())
