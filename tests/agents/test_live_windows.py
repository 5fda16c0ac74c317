"""A worker tells the last minutes of a patient to who proves the key, and of its own partitions alone."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import frame_record
from waiting import wait_until
from worker_model import WorkerModel

from agents.live_windows import BUCKETS, LiveWindows, told
from clinical.rules import LimitRule, RuleSet
from streams.config.settings import Settings
from streams.contracts.frame import encode_tick
from streams.contracts.seals import DEVELOPMENT, Place, Seals
from streams.contracts.window_query import FRESH_MS, WINDOWS_KEY, WindowsAnswer, question
from tables.windows import BUCKET_MS

RULES = RuleSet((LimitRule("hr-high", "hr", high=120),))
START_MS = 1_000 * BUCKET_MS
NOW_MS = START_MS + 200_000


def worker_with(readings):
    """Return a worker that has judged (seconds after the start, heart rate) and a tick afterwards."""
    worker = WorkerModel(RULES)
    frames = [
        frame_record(i, START_MS + s * 1000, seq=i, event_ms=START_MS + s * 1000, hr=hr)
        for i, (s, hr) in enumerate(readings)
    ]
    tick = SimpleNamespace(offset=len(frames), timestamp=NOW_MS, key=b"~tick", value=encode_tick(NOW_MS))
    worker.take([*frames, tick])
    return worker


def windows_of(worker, owned=(0,), seals=DEVELOPMENT):
    return LiveWindows(Settings(), seals, worker.store, lambda: owned, lambda: NOW_MS / 1000)


@given(st.lists(st.tuples(st.integers(0, 199), st.integers(40, 110)), min_size=1, max_size=40))
def test_each_bucket_and_the_whole_are_those_of_the_readings(readings):
    readings = sorted(dict(readings).items())
    worker = worker_with(readings)
    status, body = windows_of(worker).answer(question(DEVELOPMENT, "bed-1", 0, NOW_MS))
    found = WindowsAnswer.model_validate_json(body)
    assert (status, found.judged_ts_ms) == (200, NOW_MS)
    buckets = {}
    for second, hr in readings:
        begin_ms = (START_MS + second * 1000) // BUCKET_MS * BUCKET_MS
        buckets.setdefault(begin_ms, []).append(hr)
    course = found.signals["hr"]
    assert dict(zip(course.ts_ms, course.low, strict=True)) == {ms: min(hrs) for ms, hrs in buckets.items()}
    assert dict(zip(course.ts_ms, course.high, strict=True)) == {ms: max(hrs) for ms, hrs in buckets.items()}
    assert list(course.mean) == pytest.approx([sum(hrs) / len(hrs) for _, hrs in sorted(buckets.items())])
    values = [hr for _, hr in readings]
    assert (found.whole["hr"].count, found.whole["hr"].low) == (len(values), min(values))


def test_what_is_older_than_the_ring_is_not_told():
    worker = worker_with([(0, 80)])
    worker.table.ticked_until_ms = START_MS + (BUCKETS + 1) * BUCKET_MS
    assert told(worker.table, worker.table.row_of["bed-1"])["signals"] == {}


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (b"", 403),
        (b"{}", 403),
        (question(Seals([b"another key of thirty-two characters"]), "bed-1", 0, NOW_MS), 403),
        (question(DEVELOPMENT, "bed-1", 0, NOW_MS - FRESH_MS - 1), 403),
        (question(DEVELOPMENT, "bed-1", 0, NOW_MS + FRESH_MS + 1), 403),
        (DEVELOPMENT.seal(b"~command", Place(0, NOW_MS), json.dumps({"patient": "bed-1"}).encode()), 403),
        (DEVELOPMENT.seal(WINDOWS_KEY, Place(0, NOW_MS), b"[]"), 403),
        (question(DEVELOPMENT, "bed-1", 1, NOW_MS), 421),
        (question(DEVELOPMENT, "bed-2", 0, NOW_MS), 404),
    ],
)
def test_who_proves_nothing_and_what_is_not_here_is_told_nothing(asked, status):
    assert windows_of(worker_with([(0, 80)])).answer(asked) == (status, b"{}")


def test_a_worker_that_ends_stops_listening_without_an_error():
    async def listen_and_end():
        windows = windows_of(worker_with([(0, 80)]))
        serving = asyncio.create_task(windows.serve())
        await asyncio.to_thread(wait_until, lambda: windows.address, "an address")
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert windows.address is None

    asyncio.run(listen_and_end())
