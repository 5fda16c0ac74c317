import json
import struct

import numpy as np
import pytest
from aiokafka.record.default_records import DefaultRecordBatch

from bench.suite.arrivals import FIELDS, Plan, schedule
from bench.suite.fill import START_MS, Log, log_requests, mark_of, mark_patient
from bench.suite.wire import (
    BATCH_RECORDS_MAX,
    Encoder,
    batch_of_frames,
    batch_of_records,
    check_answer,
    places,
    requests,
)
from streams.errors import VigilError

PLAN = Plan(2_000, 2, patients=50, partitions=3)


def records_in(batch):
    parsed = DefaultRecordBatch(bytes(batch))
    assert parsed.validate_crc()
    return list(parsed)


def batches_in(data):
    """Yield (partition, batch) of a Produce request, read as a broker does."""
    (size,) = struct.unpack_from(">i", data)
    assert size == len(data) - 4
    key, version, _, client = struct.unpack_from(">hhih", data, 4)
    assert (key, version) == (0, 3)
    at = 14 + client
    transaction, acks, _, topics, name = struct.unpack_from(">hhiih", data, at)
    assert (transaction, acks, topics) == (-1, -1, 1)
    at += 14 + name
    (count,) = struct.unpack_from(">i", data, at)
    at += 4
    for _ in range(count):
        partition, length = struct.unpack_from(">ii", data, at)
        yield partition, data[at + 8 : at + 8 + length]
        at += 8 + length
    assert at == len(data)


def test_requests_hold_every_frame_once_in_order_at_its_time():
    frames = schedule(PLAN)
    of = places(int(frames.patient.max()) + 1, PLAN.partitions)
    found = []
    last = 0
    for request in requests(frames, "readings", of, START_MS, 2):
        assert request.planned_ms >= last
        last = request.planned_ms
        for partition, batch in batches_in(request.data):
            assert partition % 2 == request.connection
            for record in records_in(batch):
                frame = json.loads(record.value)
                assert record.key.decode() == frame["patient"]
                assert of[int(frame["patient"][1:])] == partition
                assert frame["event_ts_ms"] <= START_MS + request.planned_ms
                found.append(frame)
    assert len(found) == len(frames)
    found.sort(key=lambda frame: frame["seq"])
    assert [int(frame["patient"][1:]) for frame in found] == frames.patient.tolist()
    assert [frame["event_ts_ms"] - START_MS for frame in found] == frames.event_ms.tolist()
    assert [[frame[name] for name in FIELDS] for frame in found] == frames.values.tolist()


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1_000, BATCH_RECORDS_MAX])
def test_a_batch_of_any_size_is_whole(count):
    frames = schedule(Plan(5_000, 2, patients=50))
    batch = batch_of_frames(Encoder(START_MS).tails(frames.part(0, count)), START_MS)
    assert [record.offset for record in records_in(batch)] == list(range(count))


def test_a_batch_of_any_records_is_whole():
    given = [(b"begin-0-1", b"x" * 300), (b"~tick", b"{}")]
    assert [(record.key, record.value) for record in records_in(batch_of_records(given, 5))] == given


def test_more_frames_than_a_batch_holds_are_refused():
    frames = schedule(Plan(5_000, 2, patients=50, partitions=1))
    frames.planned_ms[:] = 0
    with pytest.raises(VigilError, match="in one slot"):
        list(requests(frames, "readings", places(2_000, 1), START_MS, 1))


def test_an_error_in_the_brokers_answer_is_raised():
    good = struct.pack(">iih1sii", 7, 1, 1, b"t", 1, 2) + struct.pack(">hqq", 0, 0, 0)
    assert check_answer(good + struct.pack(">i", 0)) == 7
    bad = struct.pack(">iih1sii", 7, 1, 1, b"t", 1, 2) + struct.pack(">hqq", 6, 0, 0)
    with pytest.raises(VigilError, match="partition 2: error code 6"):
        check_answer(bad + struct.pack(">i", 0))


@pytest.mark.parametrize("log", [Log(3_000, 500, 2), Log(900, 300, 3), Log(300, 300, 2)])
def test_a_filled_log_has_all_frames_and_its_marks_in_every_partition(log):
    done = np.zeros((log.partitions, log.marks + 1), dtype=np.int64)
    seen = {partition: [] for partition in range(log.partitions)}
    for request in log_requests("readings", log, done, START_MS):
        for partition, batch in batches_in(request.data):
            seen[partition] += [(record.key, record.value) for record in records_in(batch)]
    for partition, records in seen.items():
        frames = 0
        marks = []
        for key, value in records:
            if key.startswith((b"begin-", b"end-")):
                assert mark_of(key.decode(), log.marks)[0] == partition
                marks.append(mark_of(key.decode(), log.marks)[1])
                assert done[partition, marks[-1]] == frames
            elif not key.startswith(b"~"):
                frames += 1
                assert json.loads(value)["patient"] == key.decode()
        assert marks == list(range(1, log.marks + 1))
        assert sum(key == b"~tick" for key, _ in records) == log.rounds
    assert done[:, -1].sum() == log.frames
    assert mark_patient(1, log.marks, log.marks) == "end-1"
