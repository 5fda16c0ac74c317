"""What a partition says of its wards: at once when it changes, now and then when it does not, 0 when nobody is left."""

import asyncio

from agents.wards.counts import Reports, due
from clinical.limits import NEVER
from clinical.wards import RENEW_MS, REST_MS, Count
from streams.config.settings import Settings
from streams.contracts.partitions import partition_of
from streams.contracts.topics import WARDS
from streams.contracts.ward import WardReport
from streams.kafka.publisher import Publisher
from tables.partition import Partition

NOW = 1_000_000


def well(tick_ms, patients=4):
    return Count(patients, 0, NEVER, NEVER, tick_ms)


def silent(tick_ms):
    return Count(4, 2, NOW - 16_000, NOW - 15_000, tick_ms)


def said(memory, tick_ms, **counts):
    return [(report.ward, report.patients, report.silent) for report in due(7, memory, counts, tick_ms)]


def test_what_has_changed_is_said_at_once_and_what_has_not_is_said_again_in_turns():
    memory = {}
    assert said(memory, NOW, icu=well(NOW), er=well(NOW)) == [("er", 4, 0), ("icu", 4, 0)]
    at = NOW + REST_MS - 1
    assert said(memory, at, icu=well(at), er=well(at, 5)) == [("er", 5, 0)]
    at += 1
    assert said(memory, at, icu=well(at), er=well(at, 5)) == [("icu", 4, 0)]
    assert said(memory, at + 1, icu=silent(at + 1), er=well(at + 1, 5)) == [("icu", 4, 2)]
    at += RENEW_MS
    assert said(memory, at, icu=silent(at), er=well(at, 5)) == []
    assert said(memory, at + 1, icu=silent(at + 1), er=well(at + 1, 5)) == [("icu", 4, 2)]


def test_a_ward_of_which_nobody_is_left_is_said_once():
    memory = {}
    said(memory, NOW, icu=silent(NOW))
    assert said(memory, NOW + 1) == [("icu", 0, 0)]
    assert said(memory, NOW + 2) == []
    assert said(memory, NOW + 3, icu=well(NOW + 3)) == [("icu", 4, 0)]


def test_all_of_a_ward_goes_into_the_partition_that_its_name_chooses():
    sent = []

    async def send(topic, key, value, partition, headers):
        sent.append((topic, key, WardReport.model_validate_json(value), partition))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived

    async def write():
        reports = Reports(Settings(partitions=48), Publisher(send, None, 1.0))
        seven, eight = (Partition(number, None) for number in (7, 8))
        await reports.write(seven, {}, NEVER)
        await reports.write(seven, {"icu": silent(NOW)}, NOW)
        await reports.write(eight, {"icu": silent(NOW)}, NOW)

    asyncio.run(write())
    assert [(topic, key, partition) for topic, key, _, partition in sent] == [
        (WARDS, b"icu/7", partition_of("icu", 48)),
        (WARDS, b"icu/8", partition_of("icu", 48)),
    ]
    report = sent[0][2]
    assert (report.partition, report.first_ts_ms, report.last_ts_ms) == (7, NOW - 16_000, NOW - 15_000)


def test_a_ward_s_partition_is_the_one_that_clients_choose_for_its_name():
    # Apache Kafka 4.3, Utils.murmur2 and toPositive: the same number that kafka-python gives.
    assert partition_of("icu", 48) == (4_034_509_426 & 0x7FFFFFFF) % 48
