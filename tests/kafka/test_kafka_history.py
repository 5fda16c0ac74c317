"""The history on Apache Kafka itself: killed, and beside a log whose beginning Kafka has removed."""

import uuid
from contextlib import closing

import pytest
from history_flow import Archive
from kafka import TopicPartition
from scaled_readings import finish, scaled
from waiting import wait_until

from edge.history.chain import Head, first_broken
from edge.history.ledger import open_ledger
from edge.history.process import Writer
from edge.history.verify import verify
from streams.contracts.topics import READINGS
from streams.kafka.connect import connect_admin
from streams.kafka.layout_log import laid_out

pytestmark = pytest.mark.kafka
DEADLINE_S = 60.0


@pytest.fixture
def archive(kafka, tmp_path):
    made = Archive(kafka.bootstrap, tmp_path / "history", group=uuid.uuid4().hex[:8])
    yield made
    made.close()


def ledger_rows(archive):
    with closing(open_ledger(archive.settings)) as ledger:
        return len(list(ledger.rows()))


def compared(archive):
    with closing(open_ledger(archive.settings)) as ledger:
        found = verify(archive.settings, ledger)
        assert isinstance(first_broken(ledger.rows()), Head)
    assert [line for one in found for line in one.lines()] == []
    return sum(one.compared for one in found)


def test_a_killed_history_holds_what_the_topics_hold(archive):
    for round_ in range(3):
        process = archive.start()
        archive.send(400, start=round_ * 400)
        archive.tell(30, start=round_ * 30)
        kept = round_ * 400
        wait_until(
            lambda kept=kept: archive.rows() > kept, f"more is kept {archive.log()[-1000:]}", DEADLINE_S
        )
        process.kill()
        process.wait(10)
    process = archive.start()
    wait_until(
        lambda: (
            archive.log().count("writing to") == 4
            and (archive.rows(), ledger_rows(archive)) == (1200, 3 * 90)
        ),
        "all is kept",
        DEADLINE_S,
    )
    process.terminate()
    assert process.wait(30) == 0, archive.log()
    assert compared(archive) == 1200 + 3 * 90


def test_what_kafka_has_removed_before_it_was_read_is_told_and_the_rest_is_whole(archive, caplog):
    archive.send(100)
    with Writer(archive.settings) as writer:
        wait_until(lambda: (writer.turn(), archive.rows())[1] == 100, "the first is kept", DEADLINE_S)
    archive.send(200, start=100)
    topic = archive.settings.topic(READINGS)
    position = writer.readings.positions()[0]
    with closing(connect_admin(archive.settings)) as admin:
        admin.delete_records({TopicPartition(topic, 0): position + 40})
    with Writer(archive.settings) as writer:
        assert writer.metrics.registry.get_sample_value("vigil_history_gone_total") == 40
        assert f"offsets {position} to {position + 39} were gone" in caplog.text
        wait_until(lambda: (writer.turn(), archive.rows())[1] > 250, "the rest is kept", DEADLINE_S)
        writer.finish()
    compared(archive)


def test_readings_that_are_scaled_meanwhile_are_kept_once_each_whoever_forwards_them(archive, monkeypatch):
    first = archive.settings
    process = archive.start()
    archive.send(200)
    with scaled(first, 2):
        archive.send(200, start=200)  # the old way: these are forwarded
        archive.settings = laid_out(first)
        archive.send(200, start=400)
        wait_until(lambda: archive.rows() == 600, "all is kept", DEADLINE_S)
        archive.settings = first
        assert compared(archive) == 600
        finish(first, monkeypatch)
    archive.settings = laid_out(first)
    archive.send(100, start=600)
    wait_until(lambda: archive.rows() == 700, "what came into the new readings alone", DEADLINE_S)
    process.terminate()
    assert process.wait(30) == 0, archive.log()
    archive.settings = first
    assert (
        compared(archive) == 300
    )  # of the readings that are still there, without those that are kept as they were


def test_what_was_forwarded_is_kept_where_the_reading_itself_was_removed_before_it_was_read(
    archive, monkeypatch
):
    archive.send(100)
    with Writer(archive.settings) as writer:
        wait_until(lambda: (writer.turn(), archive.rows())[1] == 100, "the first is kept", DEADLINE_S)
        writer.finish()
    archive.send(100, start=100)
    with scaled(archive.settings, 2):
        finish(archive.settings, monkeypatch)
    with Writer(archive.settings) as writer:
        wait_until(lambda: (writer.turn(), archive.rows())[1] == 200, "the rest is kept", DEADLINE_S)
        writer.finish()
    assert compared(archive) == 100
