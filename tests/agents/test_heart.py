"""The heartbeat beats for what was judged, and for nothing else."""

import asyncio
import json

from agents.health.heartbeat import Heart
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable


class Sink:
    def __init__(self):
        self.sent = []

    def waiting_s(self):
        return 1.25

    async def publish(self, topic, key, value, *, partition):
        self.sent.append((topic, key, partition, json.loads(value)))


def heart_of(owned):
    store = ColumnStore(lambda: PatientTable(("hr-high", "news2")))
    sink = Sink()
    heart = Heart(
        *(sink, "beats", lambda: [store.partition(number) for number in owned]),
        *(lambda partition: 10 + partition.number, lambda: None, lambda: 99.0),
    )
    return heart, store, sink


def test_a_partition_beats_once_for_each_newer_tick_that_was_judged():
    owned = [1, 2]
    heart, store, sink = heart_of(owned)
    asyncio.run(heart.beat())
    assert sink.sent == []
    store.state(2).ticked_until_ms = 98_000
    table = store.state(2)
    table.alarm_state[table.row("bed-1"), 0] = 2
    for _ in range(3):
        asyncio.run(heart.beat())
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
    asyncio.run(heart.beat())
    assert len(sink.sent) == 1
