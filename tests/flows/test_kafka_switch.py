"""Rules that are switched under several workers of a group: each record is judged by those of its time."""

import json

import pytest
from worker_flow import RULES, Ward, frame, tick, wait_until

from edge.cli import main
from streams.contracts.partitions import partition_of
from streams.contracts.topics import ALERTS

pytestmark = pytest.mark.kafka

PARTITIONS = 4
BEDS = [
    next(f"bed-{n}" for n in range(99) if partition_of(f"bed-{n}", PARTITIONS) == p)
    for p in range(PARTITIONS)
]
WAIT_S = "120"


@pytest.fixture
def ward(kafka, tmp_path):
    made = Ward(kafka.bootstrap, tmp_path, partitions=PARTITIONS)
    yield made
    made.close()


def switch(ward, *arguments):
    settings = ward.settings
    return main(
        [
            *("shadow", "switch", *arguments, "--reason", "why", "--wait", WAIT_S),
            *("--brokers", settings.brokers, "--prefix", settings.topic_prefix, "--group", settings.group),
            *("--partitions", str(PARTITIONS)),
        ]
    )


def send(ward, seconds):
    for second in seconds:
        ward.send_all((p, *frame(bed, second, hr=140, spo2=97)) for p, bed in enumerate(BEDS))
        ward.send_all((p, *tick(second)) for p in range(PARTITIONS))


def told(ward):
    return {
        (alert["patient"], alert["phase"], alert["event_ts_ms"])
        for alert in (json.loads(record.value) for record in ward.read(ALERTS))
    }


def every_bed(*events):
    return {(bed, *event) for bed in BEDS for event in events}


def test_two_workers_switch_and_switch_back_each_partition_at_its_own_mark(ward, tmp_path):
    workers = [ward.start_ready_worker(), ward.start_ready_worker()]
    pids = [worker.process.pid for worker in workers]
    wider = tmp_path / "wider.toml"
    wider.write_text(RULES.replace("high = 120", "high = 150"))
    send(ward, range(6))
    wait_until(lambda: told(ward) == every_bed(("start", 3_000)), "alarms of the present rules")
    assert switch(ward, "--rules", str(wider)) == 0
    send(ward, range(6, 12))
    first = every_bed(("start", 3_000), ("end", 6_000))
    wait_until(lambda: told(ward) == first, "their end under the wider limit")
    assert switch(ward, "--back") == 0
    send(ward, range(12, 18))
    wait_until(lambda: told(ward) == first | every_bed(("start", 15_000)), "alarms of the first rules again")
    assert [worker.process.pid for worker in workers] == pids
    assert [worker.process.poll() for worker in workers] == [None, None]
    wait_until(
        lambda: [worker.metric("vigil_rules_decision") for worker in workers] == [2, 2],
        "both workers under the second decision",
    )
