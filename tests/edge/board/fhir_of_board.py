"""A board that is asked for FHIR in tests: its alarms and values, and what it answers."""

import asyncio
import json

import aiohttp
from alert_of import alert_of
from board_world import World

from edge.gateway.fhir.outcomes import ISSUE_CODES
from streams.contracts.alert import Evidence, Source
from streams.contracts.patient_state import Heartbeat, LastValue

NOW_MS = 1_772_362_800_000


def a_world(**options):
    """Return a board of two partitions that are judged now."""
    world = World(**options)
    for partition in range(2):
        beat = {"partition": partition, "judged_ts_ms": NOW_MS - 500}
        world.intake.live.state.take_beat(beat_of_now(**beat))
    return world


def beat_of_now(**said):
    usual = {"worker": "w", "sent_ts_ms": NOW_MS, "lag": 0, "open_alarms": 0, "waiting_s": 0.0}
    return Heartbeat(**usual | said)


def asked(world, path, ready=True, **headers):
    """Return status, body and headers of the answer to a GET."""

    async def run():
        async with (
            world.running(ready),
            aiohttp.ClientSession() as session,
            session.get(world.url + path, headers=headers) as answer,
        ):
            return answer.status, json.loads(await answer.read()), answer.headers

    return asyncio.run(asyncio.wait_for(run(), 30))


def resources(bundle, mode="match"):
    return [entry["resource"] for entry in bundle.get("entry", ()) if entry["search"]["mode"] == mode]


def values(**ms_ago):
    """Return last values of 97, by signal and age, ms."""
    return {name: LastValue(value=97.0, ts_ms=NOW_MS - age_ms) for name, age_ms in ms_ago.items()}


def alarmed(world, **said):
    """Let an alarm of `bed-1` begin."""
    usual = {
        "source": Source(kind="signal", name="spo2", unit="%", device="mon-1"),
        "evidence": Evidence(value=84.0, low=90.0, extreme=82.0, delay_s=15.0),
        "onset_ts_ms": NOW_MS - 60_000,
        "event_ts_ms": NOW_MS - 45_000,
        "append_ts_ms": NOW_MS - 44_000,
    }
    world.say("alerts", 0, said.get("patient", "bed-1"), alert_of(**usual | said))


def reason_of(outcome):
    assert outcome["resourceType"] == "OperationOutcome"
    reason = outcome["issue"][0]["details"]["coding"][0]["code"]
    assert reason in ISSUE_CODES or reason in ("forbidden", "busy")
    return reason
