"""`vigil deliver`: both processes under one command, an end in order, and what it refuses."""

import signal
import sys

import pytest
from delivery_flow import Hospital
from worker_flow import environment_of, wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import scrape


@pytest.fixture
def hospital(make_ward, tmp_path):
    return Hospital(make_ward(), tmp_path)


@pytest.fixture
def run(hospital, tmp_path):
    started = []

    def run(*words, **changes):
        said = tmp_path / "said.log"
        with said.open("wb") as output:
            command = [sys.executable, "-Pm", "edge", "deliver", *words]
            started.append(spawn(command, output, environment_of(hospital.settings.model_dump() | changes)))
        return said, started[-1]

    yield run
    for process in started:
        stop(process, term_wait_s=0.0)


def test_it_brings_alerts_to_the_topic_and_ends_in_order(hospital, run):
    port = free_port()
    said, process = run(delivery_metrics_port=port, routing=None)

    def is_ready():
        found = scrape(f"http://127.0.0.1:{port}/metrics")
        return found is not None and found.value("vigil_delivery_ready")

    wait_until(is_ready, "the decider")
    hospital.alert("bed-1", "e1")
    (queued,) = hospital.wait_for(1, "queued")
    assert (queued.recipient, queued.channel) == ("board", "board")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, said.read_text()
    assert "vigil: ending" in said.read_text()


def test_a_wrong_routing_file_is_refused_in_one_line(run, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text("[[route]]\nname = 'x'\n")
    said, process = run("--routes", str(path))
    assert process.wait(30) == 2
    assert said.read_text().splitlines() == [f'vigil: {path}:1: route 1 ("x"): key step: is missing']
