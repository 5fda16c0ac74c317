"""Rules tried beside those in force: what they would have told, nothing else written, switched to and taken back."""

import json
import threading
from contextlib import closing, contextmanager

import pytest
from kafka import TopicPartition
from worker_flow import RULES, frame, tick, wait_until

from edge.board.trial import look, shown_to
from edge.cli import main
from edge.workers import WorkerPool
from streams.contracts.partitions import partition_of
from streams.contracts.people import Person
from streams.contracts.topics import (
    ALERTS,
    COMMANDS,
    DEAD_LETTERS,
    HEARTBEAT,
    LIMITS,
    PATIENTS,
    READINGS,
    SHADOW_ALERTS,
    WARDS,
)
from streams.kafka.connect import connect_admin
from streams.kafka.rules_log import name_of
from streams.kafka.shadows import SHADOW_HEADER, shadow_settings

NEW = RULES.replace("high = 120", "high = 150").replace("delay_s = 5", "delay_s = 2")
"""A wider limit of the heart rate, and a shorter delay of the oxygen saturation."""

BEDS = "bed-0", next(f"bed-{n}" for n in range(1, 99) if partition_of(f"bed-{n}", 2) == 1)
"""One that belongs into each of two partitions."""

VIEWER = Person(id="viewer-1", role="viewer", wards=("*",))
WHO = ["--reason", "fewer false alarms"]
OTHERS = (ALERTS, COMMANDS, READINGS, PATIENTS, LIMITS, WARDS, HEARTBEAT, DEAD_LETTERS)


def options(ward):
    settings = ward.settings
    return [
        *("--brokers", settings.brokers, "--prefix", settings.topic_prefix, "--group", settings.group),
        *("--partitions", str(settings.partitions)),
    ]


def vigil(ward, *arguments):
    return main(["shadow", *arguments, *options(ward)])


def send(ward, seconds, hr=80, spo2=97):
    """Send a second's frame of two beds and a tick to both partitions, for each of the seconds."""
    for second in seconds:
        ward.send_all(
            [(partition, *frame(bed, second, hr=hr, spo2=spo2)) for partition, bed in enumerate(BEDS)]
            + [(n, *tick(second)) for n in range(2)]
        )


def told(ward, topic):
    return [
        (alert["patient"], alert["rule"], alert["phase"], alert["event_ts_ms"])
        for alert in (json.loads(record.value) for record in ward.read(topic))
        if alert["phase"] in ("start", "end")
    ]


@pytest.fixture
def new_rules(tmp_path):
    path = tmp_path / "new.toml"
    path.write_text(NEW)
    return path


@contextmanager
def shadow_running(ward, rules, monkeypatch, *more):
    """Begin a shadow by the command, and run its worker while the block lasts."""
    begun = threading.Event()
    monkeypatch.setattr("edge.shadow.running.run", lambda *_: begun.set())
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert vigil(ward, "run", "--rules", str(rules), *WHO, *more) == 0
    assert begun.is_set()
    name = name_of(rules.read_text())
    settings = shadow_settings(ward.settings, name)
    with WorkerPool(settings, 1) as pool:
        yield name, settings
    assert pool.failure is None
    assert pool.not_drained == []


def has_judged(ward, settings):
    """Tell whether the shadow has committed to the end of the readings."""
    topic = settings.topic(READINGS)
    tps = [TopicPartition(topic, p) for p in range(settings.partitions)]
    with closing(connect_admin(settings)) as admin:
        found = admin.list_group_offsets({settings.group: tps})[settings.group]
    return [found[tp].offset for tp in tps] == ward.log_end()


def test_a_shadow_tells_beside_the_workers_what_other_rules_make_of_the_log_and_writes_nothing_else(
    make_ward, new_rules, monkeypatch, tmp_path, capsys
):
    ward = make_ward()
    ward.start_ready_worker()
    send(ward, range(10))
    wait_until(lambda: ward.committed() == ward.log_end(), "a checkpoint of everything")
    with shadow_running(ward, new_rules, monkeypatch) as (name, settings):
        send(ward, range(10, 20), hr=140, spo2=85)
        send(ward, range(20, 26))
        wait_until(lambda: ward.committed() == ward.log_end(), "the present rules' checkpoint")
        before = {topic: len(ward.read(topic)) for topic in OTHERS}
        wait_until(lambda: has_judged(ward, settings), "the shadow's checkpoint")
        assert {topic: len(ward.read(topic)) for topic in OTHERS} == before
        assert set(told(ward, ALERTS)) == {
            *((bed, "hr-high", *what) for bed in BEDS for what in (("start", 13_000), ("end", 20_000))),
            *((bed, "spo2-low", *what) for bed in BEDS for what in (("start", 15_000), ("end", 22_000))),
        }
        assert set(told(ward, SHADOW_ALERTS)) == {
            (bed, "spo2-low", *what) for bed in BEDS for what in (("start", 12_000), ("end", 22_000))
        }
        headers = {dict(record.headers)[SHADOW_HEADER] for record in ward.read(SHADOW_ALERTS)}
        assert headers == {name.encode()}
        capsys.readouterr()
        page = tmp_path / "report.html"
        assert vigil(ward, "report", "--json", "--out", str(page)) == 0
        at_the_board = shown_to(VIEWER, look(ward.settings, 0))
    found = json.loads(capsys.readouterr().out)
    assert found["totals"] == {"only-present": 2, "earlier": 2}
    assert {(line["rule"], line["present"], line["new"]) for line in found["counts"]} == {
        ("hr-high", 2, 0),
        ("spo2-low", 2, 2),
    }
    assert at_the_board["totals"] == found["totals"]
    assert {line["rule"]: line["earlier_s"] for line in at_the_board["counts"]} == {
        "hr-high": None,
        "spo2-low": -3.0,
    }
    earlier = next(one for one in found["differences"] if one["outcome"] == "earlier")
    assert earlier["shift_s"] == -3.0
    assert {moment["spo2"] for moment in earlier["readings"] if 10_000 <= moment["t_ms"] < 12_000} == {85}
    text = page.read_text()
    assert all(words in text for words in ("only the present rules", "<svg", "development"))


def test_a_shadow_begins_with_the_state_of_the_workers_or_with_all_readings(
    make_ward, new_rules, monkeypatch
):
    ward = make_ward()
    ward.start_ready_worker()
    send(ward, range(4), spo2=85)
    wait_until(lambda: ward.committed() == ward.log_end(), "a checkpoint of everything")
    with shadow_running(ward, new_rules, monkeypatch) as (name, settings):
        send(ward, range(4, 8), spo2=85)
        wait_until(lambda: has_judged(ward, settings), "the shadow's checkpoint")
        # The delay goes on from what the workers knew: violated since 0 s, and judged by the new rules from 4 s on.
        assert set(told(ward, SHADOW_ALERTS)) == {(bed, "spo2-low", "start", 4_000) for bed in BEDS}
    assert vigil(ward, "end", name, *WHO) == 0
    with shadow_running(ward, new_rules, monkeypatch, "--from", "start") as (name, settings):
        wait_until(lambda: has_judged(ward, settings), "the shadow's checkpoint")
        assert ("bed-0", "spo2-low", "start", 2_000) in told(ward, SHADOW_ALERTS)


def test_rules_are_switched_live_at_one_place_of_the_log_and_taken_back(make_ward, new_rules, capsys):
    ward = make_ward()
    worker = ward.start_ready_worker()  # of several: tests/flows/test_kafka_switch.py
    pid = worker.process.pid
    send(ward, range(6), hr=140)
    wait_until(lambda: len(told(ward, ALERTS)) == 2, "alarms of the present rules")
    assert vigil(ward, "switch", "--rules", str(new_rules), *WHO) == 0
    send(ward, range(6, 12), hr=140, spo2=85)
    wait_until(
        lambda: len(told(ward, ALERTS)) == 6, "ends of the wider limit, and starts of the shorter delay"
    )
    assert set(told(ward, ALERTS)) == {
        (bed, rule, *what)
        for bed in BEDS
        for rule, what in (
            ("hr-high", ("start", 3_000)),
            ("hr-high", ("end", 6_000)),
            ("spo2-low", ("start", 8_000)),
        )
    }
    assert worker.metric("vigil_rules_decision") == 1
    assert vigil(ward, "switch", "--back", "--reason", "not as hoped") == 0
    send(ward, range(12, 18), hr=140, spo2=85)
    wait_until(lambda: len(told(ward, ALERTS)) == 8, "alarms of the first rules again")
    assert {one for one in told(ward, ALERTS) if one[3] > 8_000} == {
        (bed, "hr-high", "start", 15_000) for bed in BEDS
    }
    assert (worker.process.pid, worker.process.poll()) == (pid, None)
    capsys.readouterr()
    assert vigil(ward, "list", "--json") == 0
    assert [
        (one["kind"], one["number"], one["actor"], one["text"] is None)
        for one in json.loads(capsys.readouterr().out)
    ] == [("switch", 1, "development", False), ("switch", 2, "development", True)]


def test_an_alarm_whose_rule_is_no_longer_in_force_ends_with_the_switch(make_ward, tmp_path):
    ward = make_ward()
    ward.start_ready_worker()
    send(ward, range(6), hr=140)
    wait_until(lambda: len(told(ward, ALERTS)) == 2, "alarms of the present rules")
    without = tmp_path / "without.toml"
    without.write_text(RULES.replace('"hr-high"', '"heart-rate-high"'))
    assert vigil(ward, "switch", "--rules", str(without), *WHO) == 0
    ended = [json.loads(r.value) for r in ward.read(ALERTS) if json.loads(r.value)["phase"] == "end"]
    assert {(alert["patient"], alert["rule"]) for alert in ended} == {
        ("bed-0", "hr-high"),
        ("bed-3", "hr-high"),
    }
    assert "no longer in force" in ended[0]["reason"]
