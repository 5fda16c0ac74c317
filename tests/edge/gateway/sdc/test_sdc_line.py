"""Real providers of sdc11073 on loopback: heard, paused, killed, back again, replaced, and what is never taken."""

import asyncio
import contextlib
import os
import signal
import time
import uuid

from sdc_world import ANYBODY, KeepingDoor, line_of, provider

from edge.gateway.accept import Refusal

FIRST_S_MAX = 30.0
RETURN_S_MAX = 15.0
PAUSE_S = 20.0


@contextlib.asynccontextmanager
async def running(line):
    await line.start()
    try:
        yield
    finally:
        await line.stop()


async def until(condition, what, deadline_s):
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, f"waited {deadline_s:g} s for: {what}"
        await asyncio.sleep(0.05)


def new_epr():
    made = uuid.uuid4()
    return str(made), made.urn


def refused(metrics, reason):
    labels = {"protocol": "sdc", "reason": reason}
    return metrics.registry.get_sample_value("vigil_gateway_refused_total", labels) or 0


async def heard_anew(door, epr, since_ms, deadline_s):
    await until(
        lambda: any(one.device == epr and one.event_ts_ms > since_ms for one in door.frames),
        "a reading",
        deadline_s,
    )


def test_a_provider_that_is_paused_killed_and_back_again_is_heard_each_time(tmp_path):
    async def run():
        door, (name, epr) = KeepingDoor(), new_epr()
        line, _ = line_of(tmp_path, door, epr)
        async with running(line):
            with provider(name) as process:
                await heard_anew(door, epr, 0, FIRST_S_MAX)
                assert (door.frames[0].spo2, door.frames[0].device) == (85, epr)
                os.kill(process.pid, signal.SIGSTOP)
                # The pause itself is what is tested.
                await asyncio.sleep(PAUSE_S)
                assert line.connected == 0
                before = len(door.frames)
                os.kill(process.pid, signal.SIGCONT)
                resumed_ms = time.time() * 1000
                await heard_anew(door, epr, resumed_ms, RETURN_S_MAX)
                # No value from before the pause came for new after it.
                assert all(one.event_ts_ms > resumed_ms - 5_000 for one in door.frames[before:])
                process.kill()
                await until(lambda: line.connected == 0, "the loss to be noticed", RETURN_S_MAX)
            with provider(name, spo2=91):
                began_ms = time.time() * 1000
                await heard_anew(door, epr, began_ms, RETURN_S_MAX + FIRST_S_MAX)
                assert door.frames[-1].spo2 == 91

    asyncio.run(run())


def test_a_provider_that_takes_anothers_place_speaks_for_itself_only(tmp_path):
    async def run():
        door, (first, first_epr), (second, second_epr) = KeepingDoor(), new_epr(), new_epr()
        line, _ = line_of(
            tmp_path,
            door,
            "*",
            identify=lambda epr, names: (ANYBODY, epr) if epr in (first_epr, second_epr) else STRANGER,
        )
        async with running(line):
            with provider(first):
                await heard_anew(door, first_epr, 0, FIRST_S_MAX)
            gone = len([one for one in door.frames if one.device == first_epr])
            with provider(second, spo2=93):
                await heard_anew(door, second_epr, 0, FIRST_S_MAX)
                own = [one.spo2 for one in door.frames if one.device == second_epr]
                assert set(own) == {93}
                assert len([one for one in door.frames if one.device == first_epr]) <= gone + 1

    asyncio.run(run())


STRANGER = Refusal("unauthenticated", "a stranger")


def test_values_that_are_old_and_strangers_are_never_taken(tmp_path):
    async def run():
        door, (name, epr), (other, other_epr) = KeepingDoor(), new_epr(), new_epr()
        line, metrics = line_of(
            tmp_path,
            door,
            epr,
            other_epr,
            identify=lambda one, names: (ANYBODY, one) if one == epr else STRANGER,
        )
        async with running(line):
            with provider(name, mode="old"), provider(other):
                await until(lambda: refused(metrics, "stale") >= 4, "old values", FIRST_S_MAX)
                await until(lambda: refused(metrics, "unauthenticated") >= 1, "the stranger", FIRST_S_MAX)
        assert door.frames == []

    asyncio.run(run())


def test_providers_that_never_come_again_do_not_fill_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr("edge.gateway.sdc.sdc_line.GONE_S_MIN", 2.0)

    async def run():
        door, (first, first_epr), (second, second_epr) = KeepingDoor(), new_epr(), new_epr()
        ours = (first_epr, second_epr)
        line, metrics = line_of(
            tmp_path,
            door,
            "*",
            identify=lambda epr, names: (ANYBODY, epr) if epr in ours else STRANGER,
            providers_max=1,
        )
        async with running(line):
            with provider(first):
                await heard_anew(door, first_epr, 0, FIRST_S_MAX)
                with provider(second):
                    await until(lambda: refused(metrics, "too-many-providers"), "the bound", FIRST_S_MAX)
                    assert line.connected == 1
            await until(lambda: line.connected == 0, "the loss to be noticed", RETURN_S_MAX)
            with provider(second):
                await heard_anew(door, second_epr, 0, FIRST_S_MAX)

    asyncio.run(run())


def test_a_report_that_cannot_be_handled_is_counted_and_those_behind_it_are_taken(tmp_path):
    async def run():
        door, (name, epr) = KeepingDoor(), new_epr()
        faults = [ValueError(), ValueError()]

        def identify(epr, names):
            if names is None and faults:
                raise faults.pop()
            return ANYBODY, epr

        line, metrics = line_of(tmp_path, door, epr, identify=identify)
        async with running(line):
            with provider(name):
                await heard_anew(door, epr, 0, FIRST_S_MAX)
        assert refused(metrics, "internal") == 2

    asyncio.run(run())
