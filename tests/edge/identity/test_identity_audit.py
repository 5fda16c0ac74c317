"""The audit of what people see: queued at once, written in order, counted where it is lost."""

import asyncio
import json

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from signing import person

from edge.identity import auditor
from edge.identity.auditor import UNKNOWN, Auditor
from streams.contracts.audit import Audited
from streams.published.schemas import schema_of

NURSE = person("nurse-1", wards=["icu"], station="board", session="s-1")


class Sent:
    def __init__(self, arrived):
        self.is_done, self.arrived = True, arrived

    def succeeded(self):
        return self.arrived


class Kafka:
    """A producer that takes so many records."""

    def __init__(self, takes=10**6, arrives=True):
        self.takes, self.arrives, self.records = takes, arrives, []

    def send(self, key, value):
        if len(self.records) >= self.takes:
            return None
        self.records.append((key, Audited.model_validate_json(value)))
        return Sent(self.arrives)


def note(found, count=1, who=NURSE):
    for number in range(count):
        found.audit(who, "view", "granted", 1_000 + number, "bed-1", "icu", "board")


def count(registry, name):
    return registry.get_sample_value(f"vigil_audit_{name}")


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_what_was_seen_is_written_in_order_under_the_person(registry):
    found, kafka = Auditor(registry), Kafka()
    note(found, 3)
    found.turn(kafka)
    found.turn(kafka)
    assert [key for key, _ in kafka.records] == [b"nurse-1"] * 3
    assert [said.at_ts_ms for _, said in kafka.records] == [1_000, 1_001, 1_002]
    one = kafka.records[0][1]
    assert (one.role, one.station, one.session, one.patient, one.ward) == (
        "nurse",
        "board",
        "s-1",
        "bed-1",
        "icu",
    )
    assert (count(registry, "written_total"), count(registry, "waiting")) == (3, 0)
    assert len({said.id for _, said in kafka.records}) == 3


def test_what_kafka_has_no_room_for_waits_and_what_the_queue_has_none_for_is_counted(registry):
    found, kafka = Auditor(registry, queue_max=5), Kafka(takes=2)
    note(found, 7)
    assert count(registry, "lost_total") == 2
    found.turn(kafka)
    assert count(registry, "waiting") == 5
    kafka.takes = 10
    found.turn(kafka)
    found.turn(kafka)
    assert (len(kafka.records), count(registry, "written_total"), count(registry, "waiting")) == (5, 5, 0)


def test_what_kafka_refused_is_counted(registry):
    found, kafka = Auditor(registry), Kafka(arrives=False)
    note(found)
    found.turn(kafka)
    found.turn(kafka)
    assert (count(registry, "lost_total"), count(registry, "written_total")) == (1, 0)


@pytest.mark.parametrize("takes", [0, 10])
def test_at_the_end_what_is_unwritten_is_written_or_counted(registry, monkeypatch, takes):
    monkeypatch.setattr(auditor, "CLOSE_S_MAX", 0.2)

    async def run_and_stop(found, kafka):
        running = asyncio.create_task(found.run(kafka))
        await asyncio.sleep(0)
        note(found, 4)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    found, kafka = Auditor(registry), Kafka(takes)
    asyncio.run(run_and_stop(found, kafka))
    lost, written = (4, 0) if takes == 0 else (0, 4)
    assert (count(registry, "lost_total"), count(registry, "written_total")) == (lost, written)


def test_who_is_nobody_known_has_no_name_and_what_is_too_long_is_cut(registry):
    found, kafka = Auditor(registry), Kafka()
    found.audit(None, "sign-in", "refused", 1, "p" * 500, "w" * 500, "board", "r" * 5_000)
    found.turn(kafka)
    one = kafka.records[0][1]
    assert (one.person, one.role, one.station) == (UNKNOWN, None, "board")
    assert (len(one.patient), len(one.ward), len(one.reason)) == (128, 128, 500)


def test_the_contract_refuses_what_it_does_not_know():
    said = {"id": "a", "at_ts_ms": 1, "person": "p", "act": "view", "outcome": "granted"}
    assert Audited.model_validate_json(json.dumps(said)).patient == ""
    for wrong in ({"act": "stare"}, {"outcome": "maybe"}, {"person": ""}, {"more": 1}):
        with pytest.raises(ValidationError):
            Audited.model_validate_json(json.dumps(said | wrong))
    assert schema_of(Audited)["$id"] == "urn:vigil:audited:1"
