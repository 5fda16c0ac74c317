"""The log as others write it: codecs, transactions, damaged batches, records that are gone, times of a producer."""

import time

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from other_writers import DEADLINE_S, Site, wait_until

from agents.health.preflight import check_topics
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import TopicsMismatch
from streams.kafka.admin import changelog_topic
from streams.kafka.connect import connect_admin
from streams.kafka.log_end import log_ends, read_whole

PAUSED_S = 3.0
TRIED_MS_MIN = 2_000
"""Less than a damaged batch of a changelog is tried for."""

pytestmark = pytest.mark.kafka


@pytest.fixture
def site(kafka, tmp_path):
    made = Site(kafka, tmp_path)
    yield made
    made.close()


def configure(site, **config):
    name = site.settings.topic(READINGS)
    settings = {key.replace("_", "."): value for key, value in config.items()}
    with connect_admin(site.settings) as admin:
        changed = admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])
    assert changed["topic"][name] == "OK"

    def is_reported():
        with connect_admin(site.settings) as admin:
            found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])["topic"][name]
        return {key: str(found[key]["value"]) for key in settings if key in found} == settings

    wait_until(is_reported, "the topic's settings")


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_frames_of_every_codec_are_judged(site, codec):
    worker = site.start_worker()
    site.keep_low("patient", 0, by=site.producer(compression_type=codec))
    assert worker.running
    read = read_whole(site.settings, site.settings.topic(READINGS))  # as explain and the other commands do
    assert sum(record.key == b"patient" for record in read) >= 2


@pytest.mark.parametrize("codec", ["lz4"])
def test_what_a_broker_compresses_is_judged_too_ticks_among_it(site, codec):
    configure(site, compression_type=codec, message_timestamp_type="LogAppendTime")
    site.start_worker()
    site.keep_low("patient", 0)


def test_a_damaged_batch_stops_its_partition_and_no_other_and_it_goes_on_when_it_can_be_read(site):
    worker = site.start_worker()
    site.keep_low("well", 1)
    site.workers.terminate(worker)
    site.send("hit", 0, spo2=97.0)
    damaged = site.frame("hit")
    site.plain.send(site.settings.topic(READINGS), damaged, key=b"hit", partition=0).get(DEADLINE_S)
    site.send("hit", 0)
    site.turn_bytes(0, damaged)

    worker = site.start_worker()
    (start,) = wait_until(
        lambda: site.alarms_of_partition(0, "partition-unreadable"), "the alarm of the partition"
    )
    assert (start["priority"], start["type"]) == ("high", "technical")
    wait_until(
        lambda: worker.total("vigil_partition_unreadable", partition="0") == 1, "the metric of the partition"
    )
    site.keep_low("other", 1)
    stood_s = time.monotonic() + site.settings.stall_s_max + PAUSED_S
    while time.monotonic() < stood_s:
        site.send("other", 1)
        assert worker.running, worker.said()
        time.sleep(1)
    assert site.alerts("hit") == []
    second = site.start_worker()  # whoever gets the partition tells the same, and that it is over
    wait_until(lambda: second.total("vigil_partitions_assigned") == 1, "the second worker to own one")

    site.turn_bytes(0, damaged)
    (ended,) = {
        alert["episode"]
        for alert in wait_until(
            lambda: site.alarms_of_partition(0, "partition-unreadable", "end"), "the end of the alarm"
        )
    }
    assert ended == start["episode"]
    assert site.keep_low("hit", 0)
    wait_until(
        lambda: not any(w.total("vigil_partition_unreadable") for w in site.workers.running),
        "the metrics to say so",
    )
    assert "deleted before they were judged" not in worker.said() + second.said()


def test_a_damaged_changelog_has_its_partitions_state_built_again_and_ends_no_worker(site):
    worker = site.start_worker()
    site.keep_low("hit", 0)
    site.keep_low("well", 1)
    site.workers.terminate(worker)
    site.turn_bytes(0, b"hit", changelog_topic(site.settings))
    worker = site.start_worker()
    wait_until(lambda: worker.total("vigil_partitions_rebuilt_total") == 1, "the state to be built again")
    site.send("hit", 0, spo2=97.0)
    wait_until(lambda: site.alerts("hit", "spo2-low", "end"), "the end of an alarm of the state")
    site.keep_low("after", 1)
    assert len({alert["id"] for alert in site.alerts("hit", "spo2-low")}) == 1
    assert worker.running


def test_a_partition_is_judged_while_the_changelog_of_another_is_still_tried(site):
    worker = site.start_worker()
    for partition, patient in enumerate(("hit", "well")):
        site.keep_low(patient, partition)
    site.workers.terminate(worker)
    site.turn_bytes(0, b"hit", changelog_topic(site.settings))
    for partition, patient in enumerate(("hit", "well")):
        site.send(patient, partition, spo2=97.0)
    site.start_worker()

    def ended_ms():
        found = {each.key: each.timestamp for each in site.read(ALERTS) if b'"phase":"end"' in each.value}
        return found if found.keys() >= {b"hit", b"well"} else None

    ended = wait_until(ended_ms, "the ends of both alarms")
    assert ended[b"hit"] - ended[b"well"] > TRIED_MS_MIN


def test_only_committed_records_are_judged_and_markers_are_no_holes_also_after_a_restart(site):
    worker = site.start_worker()
    writer = site.producer(transactional_id=site.settings.group, enable_idempotence=True)
    writer.init_transactions()
    for kept, patient in ((False, "aborted"), (True, "committed")) * 4:
        writer.begin_transaction()
        site.send(patient, 0, by=writer)
        writer.commit_transaction() if kept else writer.abort_transaction()
        time.sleep(1)
    wait_until(lambda: site.alerts("committed", "spo2-low"), "the alarm of what was committed")
    writer.begin_transaction()
    site.send("aborted", 0, by=writer)
    writer.abort_transaction()  # the log ends with a marker for a moment, until a tick comes
    site.workers.terminate(worker)
    assert worker.exit_code == 0, worker.said()
    again = site.start_worker()
    site.keep_low("after", 0)
    assert site.alerts("aborted") == []
    for each in (worker, again):
        assert "read again" not in each.said()
        assert "deleted" not in each.said()


def test_an_open_transaction_holds_up_its_partition_which_is_told_and_nothing_else(site):
    worker = site.start_worker()
    writer = site.producer(transactional_id=site.settings.group, enable_idempotence=True)
    writer.init_transactions()
    writer.begin_transaction()
    site.send("open", 0, by=writer)
    wait_until(lambda: site.alarms_of_partition(0, "partition-unreadable"), "the alarm of the partition")
    site.keep_low("other", 1)
    stood_s = time.monotonic() + site.settings.stall_s_max
    while time.monotonic() < stood_s:
        assert worker.running, worker.said()
        time.sleep(1)
    writer.commit_transaction()
    wait_until(lambda: site.alarms_of_partition(0, "partition-unreadable", "end"), "the end of the alarm")
    site.keep_low("open", 0)


def test_records_deleted_while_no_worker_ran_are_told_with_their_offsets(site):
    worker = site.start_worker()
    site.keep_low("before", 0)
    site.workers.terminate(worker)
    first = site.send("gone", 0)
    last = site.send("gone", 0, times=49)
    site.delete_before(0, last + 1)

    worker = site.start_worker()
    (told,) = wait_until(lambda: site.alarms_of_partition(0, "records-gone"), "the alarm of the partition")
    assert f"records {first} to {last} were deleted" in told["reason"]
    assert f"records {first} to {last} were deleted before they were judged" in worker.said()
    assert wait_until(lambda: worker.total("vigil_records_gone_total", partition="0"), "the metric") == 50
    (ended,) = wait_until(lambda: site.alarms_of_partition(0, "records-gone", "end"), "its end")
    assert ended["episode"] == told["episode"]
    site.workers.kill(worker)
    again = site.start_worker()
    site.keep_low("after", 0)
    assert len({alert["id"] for alert in site.alarms_of_partition(0, "records-gone")}) == 1
    assert again.running


def test_records_deleted_while_a_worker_stood_still_are_told_too(site):
    worker = site.start_worker()
    site.keep_low("before", 0)
    damaged = site.frame("hit")
    at = site.plain.send(site.settings.topic(READINGS), b"\0" * 50, key=b"hit", partition=0).get(9).offset
    assert damaged
    wait_until(lambda: worker.total("vigil_dead_letters_total") == 1, "the last record before")
    value = site.frame("stuck")
    site.workers.terminate(worker)
    stuck = site.plain.send(site.settings.topic(READINGS), value, key=b"stuck", partition=0).get(9).offset
    site.turn_bytes(0, value)
    worker = site.start_worker()
    wait_until(lambda: site.alarms_of_partition(0, "partition-unreadable"), "the alarm of the partition")
    site.delete_before(0, stuck + 1)
    (told,) = wait_until(lambda: site.alarms_of_partition(0, "records-gone"), "that they are gone")
    assert f"records {stuck} to {stuck} were deleted" in told["reason"]
    site.keep_low("after", 0)
    wait_until(lambda: site.alarms_of_partition(0, "partition-unreadable", "end"), "the end of the alarm")
    assert at < stuck


def test_readings_that_the_broker_does_not_stamp_are_refused_with_what_mends_it(site):
    configure(site, message_timestamp_type="CreateTime", retention_ms="604800000")
    with pytest.raises(
        TopicsMismatch, match=r"message.timestamp.type is CreateTime.*kafka-configs"
    ) as refused:
        check_topics(site.settings)
    assert "\n" not in str(refused.value)
    worker = site.workers.start()
    assert worker.process.wait(DEADLINE_S) == 1
    assert "kafka-configs" in worker.said()


def test_readers_without_a_group_come_to_the_end_where_a_marker_is_the_last(site):
    writer = site.producer(transactional_id=site.settings.group, enable_idempotence=True)
    writer.init_transactions()
    site.send("kept", 0)
    for _ in range(2):
        writer.begin_transaction()
        site.send("aborted", 0, by=writer)
        writer.abort_transaction()
    topic = site.settings.topic(READINGS)
    ends = {tp.partition: end for tp, end in log_ends(site.settings, topic).items()}
    assert ends == {0: 5, 1: 0}
    assert [record.offset for record in read_whole(site.settings, topic)] == [0, 1, 3]
