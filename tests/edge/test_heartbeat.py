"""What the watcher outside calls lost: no beat, judging that is behind, delivery that stands still."""

from types import SimpleNamespace

import pytest

from edge.heartbeat import HeartbeatFeed
from streams.boards import Heartbeat


def feed(now_s, heard_s, **beat):
    found = object.__new__(HeartbeatFeed)
    found.partitions, found._heard_s, found._last = (0, 1), {0: 100.0, 1: heard_s}, {}
    found._clock_s = lambda: now_s
    if beat:
        known = {"partition": 1, "worker": "w-1", "sent_ts_ms": 50_000, "judged_ts_ms": 49_000}
        found._last[1] = Heartbeat(**(known | {"lag": 0, "open_alarms": 0, "waiting_s": 0} | beat))
    return found


@pytest.mark.parametrize(
    ("heard_s", "beat", "why"),
    [
        (95.0, {"lag": 3}, ""),
        (90.1, {"lag": 0}, ""),
        (90.0, {"lag": 0}, "no heartbeat for 10 s, the last was of w-1"),
        (80.0, {}, "no heartbeat for 20 s"),
        (99.0, {"judged_ts_ms": 20_000}, "judging is 30 s behind"),
        (99.0, {"waiting_s": 31.0}, "a record waits for the broker for 31 s"),
    ],
)
def test_a_partition_is_lost_when_it_does_not_beat_or_is_behind(heard_s, beat, why):
    assert feed(100.0, heard_s, **beat).lost(10.0, 30.0) == ({1: why} if why else {})


def test_what_is_no_beat_is_passed_over():
    found = feed(100.0, 95.0)
    records = [SimpleNamespace(value=value) for value in (b"", b"{}", None)]
    found._consumer = SimpleNamespace(poll=lambda timeout_ms: {0: records})
    found.poll(0.1)
    assert found._last == {}
