"""Forwarding on Apache Kafka itself: all of it, in its order, while those who forward come, go and are killed."""

import threading
import time
from collections import defaultdict

import pytest
from group_offsets import commit
from kafka import KafkaProducer, TopicPartition
from own_topics import own_settings
from waiting import wait_until

from agents.forwarded import Forwarded
from agents.stragglers import VALUE_BYTES_MAX, Stragglers
from streams.contracts.frame import TICK_KEY
from streams.contracts.layout import Step, first_layout
from streams.contracts.partitions import partition_of
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.hop_ends import forwarding_group
from streams.kafka.layout_log import in_generation
from streams.kafka.log_end import read_whole
from streams.kafka.producers import RECORDINGS, Producer

PARTITIONS, FACTOR = 2, 3
PATIENTS = [f"bed-{number}" for number in range(40)]
ROUNDS = 150
PAUSE_S = 0.02
DEADLINE_S = 40.0

pytestmark = pytest.mark.kafka


@pytest.fixture
def layout():
    return first_layout("g").after(Step.PREPARE, 1, FACTOR).after(Step.DRAIN, 2).after(Step.MOVE, 3)


@pytest.fixture
def settings(kafka, layout, tmp_path):
    """Settings of the generation that is judged; of both there are topics, and the cuts are at the beginning."""
    old = own_settings(kafka, tmp_path, PARTITIONS)
    new = in_generation(old, layout.judged)
    apply_topics(new)
    commit(old, forwarding_group(old), dict.fromkeys(tps_of(old), 0))
    return new


def tps_of(settings):
    return [TopicPartition(settings.topic(READINGS), number) for number in range(settings.reading_partitions)]


def first_of(settings, layout):
    return in_generation(settings, layout.generations[0])


def write(settings, rounds):
    """Write a frame of each patient, and a tick, in each round."""
    frames = [(patient.encode(), partition_of(patient, PARTITIONS)) for patient in PATIENTS]
    ticks = [(TICK_KEY, partition) for partition in range(PARTITIONS)]
    with Producer(settings, RECORDINGS, settings.topic(READINGS)) as producer:
        for number in rounds:
            for key, partition in frames + ticks:
                assert producer.send(key, str(number).encode(), partition) is not None
            time.sleep(PAUSE_S)  # forwarders come and go meanwhile
        wait_until(lambda: not producer.in_flight, "all to be written", DEADLINE_S)


def arrived(settings):
    """Return what each patient's frames say, in the order of the partition where they must be."""
    found = defaultdict(list)
    for record in read_whole(settings, settings.topic(READINGS)):
        patient = record.key.decode()
        assert record.partition == partition_of(patient, PARTITIONS * FACTOR)
        found[patient].append(int(record.value))
    return found


def all_of(rounds):
    return {patient: list(rounds) for patient in PATIENTS}


def test_everything_comes_once_and_in_its_order_while_forwarders_come_and_go(settings, layout):
    old = first_of(settings, layout)
    writing = threading.Thread(target=write, args=(old, range(ROUNDS)))
    first, second = Stragglers(settings, layout), Stragglers(settings, layout)
    first.start()
    writing.start()
    second.start()
    wait_until(lambda: second.forwarded > 0, "the second to have a share", DEADLINE_S)
    first.stop()
    writing.join(DEADLINE_S)
    wait_until(lambda: arrived(settings) == all_of(range(ROUNDS)), "all to have come", DEADLINE_S)
    second.stop()


def test_the_end_of_a_transaction_is_no_record_that_waits(settings, layout):
    old = first_of(settings, layout)
    writer = KafkaProducer(bootstrap_servers=old.bootstrap, transactional_id=old.group)
    writer.init_transactions()
    for is_kept in (True, False):
        writer.begin_transaction()
        for partition in range(PARTITIONS):
            writer.send(old.topic(READINGS), key=b"~", value=str(is_kept).encode(), partition=partition)
        writer.commit_transaction() if is_kept else writer.abort_transaction()
    forwarder, forwarded = Stragglers(settings, layout), Forwarded(settings, layout)
    forwarder.start()
    forwarded.start()
    wait_until(
        lambda: all(map(forwarded.allows, range(PARTITIONS * FACTOR))),
        "all to count as forwarded",
        DEADLINE_S,
    )
    forwarder.stop()
    forwarded.end()
    writer.close()
    found = list(read_whole(settings, settings.topic(READINGS)))
    assert [record.value for record in found] == [b"True"] * len(found)
    assert len(found) == PARTITIONS * FACTOR


def test_a_compressed_record_that_is_larger_than_a_topic_takes_holds_up_nothing(settings, layout):
    old = first_of(settings, layout)
    patient = PATIENTS[0].encode()
    home = partition_of(PATIENTS[0], PARTITIONS)
    writer = KafkaProducer(
        bootstrap_servers=old.bootstrap, compression_type="gzip", max_request_size=5_000_000, batch_size=0
    )
    for value in (b"1", b" " * 3_000_000, b"2"):
        writer.send(old.topic(READINGS), key=patient, value=value, partition=home).get(DEADLINE_S)
    writer.close()
    forwarder = Stragglers(settings, layout)
    forwarder.start()

    def sizes():
        return [len(record.value) for record in read_whole(settings, settings.topic(READINGS))]

    wait_until(lambda: len(sizes()) == 3, "all to have come", DEADLINE_S)
    forwarder.stop()
    assert sizes() == [1, VALUE_BYTES_MAX, 1]
