"""One of several refreshers looks at the file; when its process is killed another does, on Kafka itself."""

import json
import sys

import pytest
from waiting import wait_until

from edge.brokers.tether import spawn, stop
from edge.records import Skipped
from edge.reference.reference_view import Follower, read_reference
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("needs_java")]

SESSION_S = 6
DEADLINE_S = 60
ROWS = "kind,ward,name\nward,icu,{}\n"


def said(log):
    return [json.loads(line)["said"] for line in log.read_text().splitlines() if line.startswith("{")]


def test_a_killed_refresher_s_part_is_taken_over_and_every_follower_sees_the_change(kafka, tmp_path):
    settings = Settings(
        brokers=kafka.bootstrap, topic_prefix="ref.", group="ref", partitions=2, session_timeout_s=SESSION_S
    )
    apply_topics(settings)
    file = tmp_path / "wards.csv"
    file.write_text(ROWS.format("one"))
    command = [sys.executable, "-P", "-m", "edge", "reference", "run", "--json", "--file", str(file)]
    logs, processes = [tmp_path / "a.log", tmp_path / "b.log"], []
    try:
        for log in logs:
            with log.open("wb") as output:
                processes.append(spawn(command, output, worker_environment(settings)))

        def writers():
            return [i for i, log in enumerate(logs) if any("1 written" in line for line in said(log))]

        wait_until(writers, "the file's first content", DEADLINE_S)
        (owner,) = writers()
        processes[owner].kill()
        processes[owner].wait(10)
        with Follower(settings) as follower:
            assert follower.wait_ready(DEADLINE_S)
            file.write_text(ROWS.format("two"))
            wait_until(lambda: follower.now.ward_name("icu") == "two", "the other one's look", DEADLINE_S)
            # It says so once Kafka has acknowledged: a follower may have seen it by then.
            wait_until(lambda: writers() == [0, 1], "that it says what it wrote", DEADLINE_S)
            file.write_text("kind,ward,name\n")
            wait_until(lambda: follower.now.ward("icu") is None, "what the file says no longer", DEADLINE_S)
        assert read_reference(settings, Skipped()).facts == {}
    finally:
        for process in processes:
            stop(process, term_wait_s=5.0)
