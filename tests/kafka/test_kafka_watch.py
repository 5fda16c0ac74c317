"""The watcher outside over brokers that stand still: it looks on, and writes what it has to tell when they are back."""

import contextlib
import json
import os
import signal
import sys
import threading
import time

import pytest
from beats import beat_of
from waiting import wait_until

from edge.brokers.cluster import KafkaCluster
from edge.brokers.tether import spawn
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, HEARTBEAT
from streams.errors import TopicsMismatch
from streams.kafka import producers
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("needs_java")]

PARTITIONS = 2
STILL_S = producers.ALERTS.delivery_s + 4.0
"""Longer than an alert may be under way: each fails at least once and is sent again."""


def beat_on(settings, ending):
    """Write heartbeats as a worker would, for as long as the brokers take them."""
    with producers.Producer(settings, producers.ALERTS, settings.topic(HEARTBEAT)) as producer:
        while not ending.wait(0.3):
            for partition in range(PARTITIONS):
                producer.send(*beat_of(partition), partition)


@contextlib.contextmanager
def beating(settings):
    ending = threading.Event()
    thread = threading.Thread(target=beat_on, args=(settings, ending))
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()


def said(log):
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def alerts_in_topic(settings):
    """Return (partition, phase, time in ms) of each alert, the first copy of each."""
    found = {}
    for record in read_whole(settings, settings.topic(ALERTS)):
        alert = json.loads(record.value)
        found.setdefault(alert["id"], (record.partition, alert["phase"], alert["event_ts_ms"]))
    return list(found.values())


def test_a_watcher_looks_on_while_brokers_stand_still_and_every_alert_of_it_is_in_the_topic(tmp_path):
    log = tmp_path / "watch.log"
    with KafkaCluster(1) as kafka:
        settings = Settings(brokers=kafka.bootstrap, partitions=PARTITIONS, data_dir=tmp_path)
        apply_topics(settings)
        options = ["--alert", "--keep-going", "--json", "--silent", "2"]
        with log.open("wb") as output:
            command = [sys.executable, "-P", "-m", "edge", "watch", *options]
            watcher = spawn(command, output, worker_environment(settings))
        try:
            wait_until(lambda: len(said(log)) == PARTITIONS, "nothing is heard", 30.0)
            with beating(settings):
                wait_until(lambda: len(said(log)) == 2 * PARTITIONS, "lost, and heard", 30.0)
                before = len(said(log))
                stopped_s = time.time()
                os.kill(kafka.pids[0], signal.SIGSTOP)
                try:
                    wait_until(lambda: len(said(log)) == before + PARTITIONS, "the loss", 8.0)
                    time.sleep(max(0.0, stopped_s + STILL_S - time.time()))  # the fault itself
                finally:
                    os.kill(kafka.pids[0], signal.SIGCONT)
                wait_until(lambda: len(said(log)) >= before + 2 * PARTITIONS, "monitored again", 10.0)
            wait_until(lambda: len(said(log)) >= before + 3 * PARTITIONS, "lost once more", 10.0)
            watcher.terminate()
            assert watcher.wait(15.0) == 143
        finally:
            watcher.kill()
        wanted = {
            (one["partition"], {"lost": "start", "back": "end"}[one["monitoring"]], one["ts_ms"])
            for one in said(log)
        }
        found = alerts_in_topic(settings)
    assert set(found) == wanted
    for partition in range(PARTITIONS):
        phases = [phase for number, phase, _ in found if number == partition]
        assert phases == [("start", "end")[number % 2] for number in range(len(phases))]
    assert "not written" not in log.read_text()


def test_a_topic_that_is_not_there_is_one_clear_line(kafka):
    with pytest.raises(TopicsMismatch, match=r"no topic no-such\.topic .*: vigil topics apply"):
        producers.Producer(Settings(brokers=kafka.bootstrap), producers.FRAMES, "no-such.topic")
