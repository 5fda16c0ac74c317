"""Partitions that are added under a running group: workers stop, say why, and do not start again by themselves."""

import json
import subprocess
import sys
import time
from contextlib import closing

import pytest
from own_topics import own_settings

from agents.health.preflight import check_topics
from edge.brokers.embedded import free_port
from edge.metrics_scrape import read
from edge.workers import worker_environment
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import TopicsMismatch
from streams.kafka.connect import connect_admin

READY_S_MAX = 40.0
NOTICED_S_MAX = 20.0
POLL_S = 0.1

pytestmark = pytest.mark.kafka


@pytest.fixture
def settings(kafka, tmp_path):
    return own_settings(kafka, tmp_path, 2, metrics_port=free_port())


def worker_on(settings):
    return subprocess.Popen(
        [sys.executable, "-Pm", "agents"],
        env=worker_environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_ready(settings, worker):
    end_s = time.monotonic() + READY_S_MAX
    url = f"http://127.0.0.1:{settings.metrics_port}/metrics"
    while True:
        assert worker.poll() is None, worker.stderr.read()
        assert time.monotonic() < end_s, "the worker was not ready"
        if "\nvigil_ready 1.0\n" in (read(url, 2) or ""):
            return
        time.sleep(POLL_S)


def add_partitions(settings, topic):
    """Add one, and wait until the broker shows it: it answers before its metadata say so."""
    name, end_s = settings.topic(topic), time.monotonic() + NOTICED_S_MAX
    with closing(connect_admin(settings)) as admin:
        admin.create_partitions({name: 3})
        while len(admin.describe_topics([name])[0]["partitions"]) < 3:
            assert time.monotonic() < end_s, "the broker did not show the new partition"
            time.sleep(POLL_S)


@pytest.mark.parametrize("topic", [READINGS, ALERTS])
def test_a_worker_stops_when_partitions_are_added_while_it_runs(settings, topic):
    with worker_on(settings) as worker:
        try:
            wait_ready(settings, worker)
            if topic == ALERTS:
                raise_an_alert(settings)
            add_partitions(settings, topic)
            assert worker.wait(NOTICED_S_MAX) == 70
        finally:
            worker.kill()
        said = worker.stderr.read()
    assert f"{settings.topic(topic)} has 3 partitions now, this group works with 2" in said


def raise_an_alert(settings):
    """Have the worker write to the alerts, so that its producer knows that topic."""
    command = ["simulate", "--beds", "20", "--rate", "2", "--seconds", "10"]
    subprocess.run(
        [sys.executable, "-Pm", "edge", *command],
        env=worker_environment(settings),
        stdout=subprocess.DEVNULL,
        timeout=READY_S_MAX,
        check=True,
    )


def test_a_worker_does_not_start_on_readings_with_added_partitions(settings):
    add_partitions(settings, READINGS)
    with worker_on(settings) as worker:
        try:
            assert worker.wait(READY_S_MAX) == 1
        finally:
            worker.kill()
        said = worker.stderr.read()
    assert said.count("\n") == 1
    assert f"{settings.topic(READINGS)} has 3 partitions, planned 2" in said
    assert f"vigil topics apply --brokers {settings.brokers} --prefix NEW." in said


def test_the_command_that_the_refusal_names_mends_it(settings):
    add_partitions(settings, READINGS)
    with pytest.raises(TopicsMismatch) as refused:
        check_topics(settings)
    options = str(refused.value).split("vigil topics apply ")[1].split()
    applied = subprocess.run(
        [sys.executable, "-Pm", "edge", "topics", "apply", *options, "--json"],
        env=worker_environment(settings),
        capture_output=True,
        text=True,
        timeout=READY_S_MAX,
        check=False,
    )
    assert applied.returncode == 0, applied.stderr
    assert json.loads(applied.stdout)["ok"] is True
    given = dict(zip(options[::2], options[1::2], strict=True))
    check_topics(settings.model_copy(update={"topic_prefix": given["--prefix"], "group": given["--group"]}))
