"""Heartbeats are written for what was judged, and for nothing else."""

import asyncio
import json

from agents.health.heartbeat import Heartbeats
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable


class Sink:
    def __init__(self):
        self.sent = []

    def waiting_s(self):
        return 1.25

    async def publish(self, topic, key, value, *, partition):
        self.sent.append((topic, key, partition, json.loads(value)))


def heartbeats_of(owned):
    store = ColumnStore(lambda: PatientTable(("hr-high", "news2")))
    sink = Sink()
    heartbeats = Heartbeats(
        *(sink, "beats", lambda: [store.partition(number) for number in owned]),
        *(lambda partition: 10 + partition.number, lambda: None, 4, lambda: 99.0),
    )
    return heartbeats, store, sink


def test_a_partition_beats_once_for_each_newer_tick_that_was_judged():
    owned = [1, 2]
    heartbeats, store, sink = heartbeats_of(owned)
    asyncio.run(heartbeats.send())
    assert sink.sent == []
    store.state(2).ticked_until_ms = 98_000
    table = store.state(2)
    table.alarm_state[table.row("bed-1"), 0] = 2
    for _ in range(3):
        asyncio.run(heartbeats.send())
    ((topic, key, partition, beat),) = sink.sent
    assert (topic, key, partition) == ("beats", b"2", 2)
    assert {
        name: beat[name] for name in ("judged_ts_ms", "sent_ts_ms", "lag", "open_alarms", "waiting_s")
    } == {
        "judged_ts_ms": 98_000,
        "sent_ts_ms": 99_000,
        "lag": 12,
        "open_alarms": 1,
        "waiting_s": 1.25,
    }
    owned.remove(2)
    store.state(2).ticked_until_ms = 99_000
    asyncio.run(heartbeats.send())
    assert len(sink.sent) == 1
