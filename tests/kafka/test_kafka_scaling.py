"""`vigil scale` on Apache Kafka without workers: its steps, what it refuses, and what it leaves behind."""

from contextlib import closing

import numpy as np
import pytest
from group_offsets import commit
from kafka import TopicPartition
from own_topics import own_settings
from scaled_readings import quiet

from edge import scaling
from edge.sending import send
from edge.splitter import Splitter
from streams.contracts.layout import Phase, Step
from streams.contracts.partitions import partition_of
from streams.contracts.topics import COMMANDS, READINGS
from streams.errors import StepLost, UsageError, VigilError
from streams.kafka.admin import apply_topics, changelog_topic
from streams.kafka.connect import connect_admin
from streams.kafka.hop_ends import forwarding_group
from streams.kafka.layout_log import in_generation, laid_out, read_layout, take
from streams.kafka.log_end import log_ends, read_whole
from streams.kafka.producers import ORDERS, Producer
from tables.changelog.progress import END_KEY, Progress, packed
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key, encode_gone
from tables.patients import PatientTable

PARTITIONS = 2

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka, tmp_path):
    return own_settings(kafka, tmp_path, PARTITIONS)


def topics_of(settings):
    with closing(connect_admin(settings)) as admin:
        return {t["name"] for t in admin.describe_topics() if t["name"].startswith(settings.topic_prefix)} | {
            t["name"] for t in admin.describe_topics() if t["name"].startswith(settings.group)
        }


def write(settings, topic, *records):
    """Write (partition, key, value)."""
    with Producer(settings, ORDERS, topic) as producer:
        for partition, key, value in records:
            send(producer, "a record", key, value, partition)


def committed(settings, group):
    with closing(connect_admin(settings)) as admin:
        return {tp: place.offset for tp, place in admin.list_group_offsets(group).get(group, {}).items()}


def test_the_next_generation_begins_where_the_one_before_was_judged_to(settings):
    old = settings.topic(READINGS)
    write(settings, old, *[(0, b"~tick", b'{"tick_ts_ms":1}')] * 3)
    write(settings, changelog_topic(settings), (0, END_KEY.encode(), packed(Progress(2, 7, 0))))
    commit(
        settings, settings.group, {TopicPartition(old, 0): 3, TopicPartition(settings.topic(COMMANDS), 1): 4}
    )
    commit(settings, forwarding_group(settings), {TopicPartition(old, 0): 0})
    layout = take(settings, read_layout(settings), Step.PREPARE, 3)
    apply_topics(in_generation(settings, layout.generations[-1]))
    take(settings, layout, Step.DRAIN)
    made = changelog_topic(in_generation(settings, layout.generations[-1]))
    with Splitter(settings) as splitter:
        splitter.split()
        written = list(read_whole(settings, made))
        scaling._move(settings, read_layout(settings), splitter, quiet)
    assert len(list(read_whole(settings, made))) == len(written) > 0  # whoever goes on does not split again
    new = laid_out(settings)
    assert (new.topic(READINGS), new.reading_partitions) == (f"{old}.g1", 6)
    assert committed(settings, forwarding_group(settings)) == {
        TopicPartition(old, 0): 3,
        TopicPartition(old, 1): 0,
    }
    assert committed(settings, new.judging_group) == {
        TopicPartition(settings.topic(COMMANDS), 1): 4,
        **{TopicPartition(new.topic(READINGS), number): 0 for number in range(6)},
    }
    ends = [
        (r.partition, r.value)
        for r in read_whole(settings, changelog_topic(new))
        if r.key == END_KEY.encode()
    ]
    assert sorted(ends) == [(p, packed(Progress(-1, 7 if p % 2 == 0 else -1, 0))) for p in range(6)]


def test_what_nobody_forwards_is_waited_for_and_nothing_is_removed_before(settings, monkeypatch):
    scaling.begin(settings, 2, quiet)
    assert read_layout(settings).phase == Phase.OPEN
    write(settings, settings.topic(READINGS), (1, b"bed-1", b"{}"))
    assert scaling.status(settings).waiting == {settings.topic(READINGS): 1}
    monkeypatch.setattr(scaling, "QUIET_S", 0.1)
    with pytest.raises(VigilError, match="not all readings are forwarded"):
        scaling.finish(settings, quiet)
    assert settings.topic(READINGS) in topics_of(settings)


def test_once_nobody_writes_there_the_old_generation_is_removed_and_the_next_goes_on(settings, monkeypatch):
    monkeypatch.setattr(scaling, "QUIET_S", 0.1)
    scaling.begin(settings, 2, quiet)
    scaling.begin(settings, 3, quiet)
    assert [each.factor for each in read_layout(settings).generations] == [1, 2, 6]
    assert scaling.finish(settings, quiet).phase == Phase.SETTLED
    new = laid_out(settings)
    left = topics_of(settings)
    assert {new.topic(READINGS), changelog_topic(new)} <= left
    assert not {settings.topic(READINGS), f"{settings.topic(READINGS)}.g1", changelog_topic(settings)} & left
    assert len(log_ends(new, new.topic(READINGS))) == 12
    assert scaling.finish(settings, quiet).phase == Phase.SETTLED  # and again


def test_what_came_after_the_last_was_forwarded_is_not_removed(settings, monkeypatch):
    monkeypatch.setattr(scaling, "QUIET_S", 0.1)
    scaling.begin(settings, 2, quiet)
    take(settings, read_layout(settings), Step.FINISH)
    write(settings, settings.topic(READINGS), (1, b"bed-1", b"{}"))
    with pytest.raises(
        VigilError, match=f"judged by nobody .1 of {settings.topic(READINGS)}.: nothing is removed"
    ):
        scaling.finish(settings, quiet)
    assert settings.topic(READINGS) in topics_of(settings)


def test_what_is_given_up_leaves_all_as_it_was_and_its_number_is_not_used_again(settings):
    before = topics_of(settings)
    layout = take(settings, read_layout(settings), Step.PREPARE, 2)
    apply_topics(in_generation(settings, layout.generations[-1]))
    assert scaling.give_up(settings, quiet).phase == Phase.SETTLED
    assert topics_of(settings) == before
    assert laid_out(settings) == settings
    scaling.begin(settings, 2, quiet)
    assert laid_out(settings).generation == 2
    with pytest.raises(UsageError, match="nothing that could be given up"):
        scaling.give_up(settings, quiet)


def test_a_patient_of_another_partitioner_prevents_it_before_anything_is_done(settings):
    misplaced = next(name for name in map("bed-{}".format, range(9)) if partition_of(name, PARTITIONS) == 1)
    end = packed(Progress(-1, -1, 0))
    write(settings, changelog_topic(settings), (0, misplaced.encode(), record()), (0, END_KEY.encode(), end))
    before = topics_of(settings)
    with pytest.raises(
        UsageError, match="1 patients of partition 0 were placed there by another partitioner"
    ):
        scaling.begin(settings, 2, quiet)
    assert (read_layout(settings).phase, topics_of(settings)) == (Phase.SETTLED, before)


def record():
    table = PatientTable(("hr-high",))
    table.since_ms[table.row("x")] = 5
    return encode(table, np.array([table.row("x")]), np.array([alarm_key("hr-high")], np.uint64))[0]


def test_a_state_that_is_not_whole_is_not_split_and_workers_are_let_on(settings, monkeypatch):
    monkeypatch.setattr(scaling, "WHOLE_S_MAX", 0.2)
    write(settings, settings.topic(READINGS), (0, b"~tick", b'{"tick_ts_ms":1}'))
    write(settings, changelog_topic(settings), (0, b"bed-1", encode_gone(5)))
    said = []
    with pytest.raises(VigilError, match="workers were not back"):
        scaling.begin(settings, 2, said.append)
    assert any("a record reaches to 5, beyond the last checkpoint at -1" in line for line in said)
    layout = read_layout(settings)
    assert (layout.phase, layout.is_let_in, layout.judged.number) == (Phase.PREPARED, True, 0)


def test_of_two_who_take_a_step_at_the_same_moment_one_has_its_way_and_the_other_sees_it(settings):
    prepared = take(settings, read_layout(settings), Step.PREPARE, 2)
    drained = take(settings, prepared, Step.DRAIN)
    take(settings, drained, Step.LET_ON)
    with pytest.raises(StepLost):
        take(settings, drained, Step.MOVE)
    assert read_layout(settings).phase == Phase.PREPARED


def test_numbers_of_partitions_that_are_not_the_topics_are_refused(settings):
    with pytest.raises(VigilError, match="give --partitions and --replication as they were created"):
        scaling.begin(settings.model_copy(update={"partitions": 3}), 2, quiet)
    assert read_layout(settings).phase == Phase.SETTLED
