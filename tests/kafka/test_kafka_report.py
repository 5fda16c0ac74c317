"""The report on Apache Kafka itself, of which retention has removed alerts: they come from the history, once each."""

import sqlite3
import time
from contextlib import closing

import pytest
from alert_of import alert_of
from history_flow import Archive
from kafka import TopicPartition
from waiting import wait_until

from edge import cli
from edge.history.process import Writer
from edge.records import Skipped
from edge.reports.report_input import read_source
from streams.contracts.topics import ALERTS, DAY_MS, HOUR_MS
from streams.kafka.admin import kept_ms
from streams.kafka.connect import connect_admin

pytestmark = pytest.mark.kafka
DEADLINE_S = 60.0
KEPT = 40
REMOVED = {0: 12, 1: 9}
"""Of each partition's alerts; what is left is on the topic and in the history."""


@pytest.fixture
def archive(kafka, tmp_path):
    made = Archive(kafka.bootstrap, tmp_path / "history")
    yield made
    made.close()


def tell(archive, numbers):
    """Put whole alerts on the topic, one episode each, over both partitions."""
    topic, now_ms = archive.settings.topic(ALERTS), round(time.time() * 1000)
    for number in numbers:
        name = f"{number:016x}"
        said = {"patient": f"bed-{number % 5}", "onset_ts_ms": now_ms, "append_ts_ms": now_ms}
        alert = alert_of(id=f"{name}-0", episode=name, **said)
        archive.producer.send(topic, alert.model_dump_json().encode(), b"bed", partition=number % 2)
    archive.producer.flush()


def forget(archive, offsets):
    topic = archive.settings.topic(ALERTS)
    with closing(connect_admin(archive.settings)) as admin:
        admin.delete_records({TopicPartition(topic, number): end for number, end in offsets.items()})


def test_what_the_topic_no_longer_has_comes_from_the_history_and_is_said_so(archive, capsys, tmp_path):
    tell(archive, range(KEPT))
    with Writer(archive.settings) as writer:
        wait_until(
            lambda: (writer.turn(), sum(writer.ledger.positions().values()))[1] == KEPT,
            "all kept",
            DEADLINE_S,
        )
        writer.finish()
    forget(archive, REMOVED)
    tell(archive, range(KEPT, KEPT + 10))  # of these the history knows nothing yet
    now_ms, skipped = round(time.time() * 1000) + 1, Skipped()
    read = read_source(archive.settings, now_ms - HOUR_MS, now_ms, now_ms + 31 * DAY_MS, skipped)
    assert sorted(one.id for one in read.episodes) == sorted(f"{number:016x}" for number in range(KEPT + 10))
    told, ordered = read.sources
    assert told.stretches["history"].records == sum(REMOVED.values())
    assert told.stretches["topic"].records == KEPT + 10 - sum(REMOVED.values())
    assert (told.missing_until_ms, skipped.count) == (None, 0)
    assert ordered.lines(str) == []

    where = ["--brokers", archive.settings.brokers, "--prefix", archive.settings.topic_prefix]
    out = tmp_path / "week.html"
    assert cli.main(["report", *where, "--dir", str(archive.folder), "--since", "1h", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{KEPT + 10} alarms at 5 beds")
    assert "alerts from the history: 21, " in said
    assert "alerts from the topic: 29, " in said
    assert "Alerts from the history: 21, " in out.read_text()
    empty = tmp_path / "none"
    assert cli.main(["report", *where, "--dir", str(empty), "--out", str(out)]) == 2
    assert f"no history in {empty}" in capsys.readouterr().err

    before = archive.settings.model_copy(update={"history_dir": empty})
    alone = read_source(before, now_ms - HOUR_MS, now_ms, now_ms + 31 * DAY_MS, Skipped())
    assert len(alone.episodes) == KEPT + 10 - sum(REMOVED.values())
    assert now_ms - HOUR_MS < alone.sources[0].missing_until_ms < now_ms
    with closing(sqlite3.connect(archive.folder / "ledger.sqlite")) as ledger:
        ledger.execute("DELETE FROM records WHERE topic = ? AND partition = 0 AND offset = 5", (ALERTS,))
        ledger.commit()
    holed = read_source(archive.settings, now_ms - HOUR_MS, now_ms, now_ms + 31 * DAY_MS, Skipped())
    assert len(holed.episodes) == KEPT + 10 - 1
    assert holed.sources[0].missing_until_ms is not None
    forget(archive, {0: 23, 1: 20})  # three that were told after the history ended
    gap = read_source(archive.settings, now_ms - HOUR_MS, now_ms, now_ms + 31 * DAY_MS, Skipped())
    assert len(gap.episodes) == KEPT + 10 - 1 - 3
    assert gap.sources[0].missing_until_ms is not None
    assert kept_ms(archive.settings, archive.settings.topic(ALERTS)) == 30 * DAY_MS
