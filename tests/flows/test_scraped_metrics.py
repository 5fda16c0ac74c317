"""Every kind of process as it is scraped: what rules and dashboards ask for stands on a page, with these labels."""

import base64
import contextlib
import json
import os
import re
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from shown_metrics import asked, registries, shipped_expressions, shown
from worker_flow import DEADLINE_S, READY_POLL_S, environment_of, wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.gateway_child import wait_ready
from edge.gateway.http.server import READINGS_PATH
from edge.metrics_scrape import read

PROCESSES = {
    "vigil-worker": (("agents",), "metrics_port"),
    "vigil-gateway": (("edge", "gateway"), "gateway_metrics_port"),
    "vigil-board": (("edge", "board"), "board_metrics_port"),
    "vigil-delivery": (("agents.delivery",), "metrics_port"),
    "vigil-channels": (("edge.channels",), "channels_metrics_port"),
    "vigil-history": (("edge", "history", "run"), "history_metrics_port"),
}
"""What starts each, and which setting says where it serves."""

AT_WORK = {
    "vigil-gateway": "vigil_gateway_kafka_takes 1.0",
    "vigil-board": "vigil_board_reads 1.0",
    "vigil-delivery": "vigil_delivery_ready 1.0",
    "vigil-channels": "vigil_channel_partitions 2.0",
    "vigil-history": 'vigil_history_kept_total{store="ledger"}',
    "vigil-worker": 'vigil_canary_heard_timestamp_seconds{partition="1"}',
}
"""What each shows when it is at work; the worker's canary crosses its limit after ten seconds."""

ROUTING = """
[channels.app]
kind = "webhook"
url = "http://127.0.0.1:9/"
key_files = ["{key}"]

[receivers.desk]
channels = ["app"]

[[route]]
name = "all"
[[route.step]]
to = ["desk"]
"""


def families_of(page):
    """Return the labels of each family's samples; none for a family that has no sample yet."""
    found = {}
    for family in text_string_to_metric_families(page):
        found[family.name] = [
            (sample.name, frozenset(sample.labels))
            for sample in family.samples
            if not sample.name.endswith("_created")
        ]
    return found


def family_of(name):
    return name.removesuffix("_total").removesuffix("_bucket").removesuffix("_count").removesuffix("_sum")


@pytest.fixture(scope="module")
def processes(make_ward, tmp_path_factory):
    """Start one of each kind, and have readings accepted, refused, judged and kept."""
    ward, folder = make_ward(time_base="live"), tmp_path_factory.mktemp("scraped")
    routing = folder / "routing.toml"
    (folder / "key").write_text(base64.b64encode(bytes(32)).decode())
    routing.write_text(ROUTING.format(key=folder / "key"))
    http_port = free_port()
    common = ward.settings.model_dump() | {
        "routing": routing,
        "history_dir": folder / "history",
        "history_flush_s": 1,
        "gateway_http_port": http_port,
        "gateway_idempotence": False,
        "board_port": 0,
    }
    started, urls = {}, {}
    for job, (words, setting) in PROCESSES.items():
        port = free_port()
        urls[job] = f"http://127.0.0.1:{port}/metrics"
        given = common | {"data_dir": folder / job, setting: port}
        (folder / job).mkdir()
        with (folder / f"{job}.log").open("wb") as log:
            started[job] = spawn([sys.executable, "-Pm", *words], log, environment_of(given))

    def page(job):
        assert started[job].poll() is None, (folder / f"{job}.log").read_text()[-2000:]
        return read(urls[job], 5) or ""

    try:
        for job, line in AT_WORK.items():
            wait_until(lambda job=job, line=line: line in page(job), f"{job} at work", poll_s=READY_POLL_S)
            if job == "vigil-gateway":
                assert wait_ready(f"http://127.0.0.1:{http_port}", started[job], DEADLINE_S)
                post(http_port, frame_now())
                post(http_port, {"patient": "bed-1"})
        yield SimpleNamespace(page=page, http_port=http_port)
    finally:
        for process in started.values():
            stop(process, term_wait_s=0.0)


@pytest.fixture(scope="module")
def pages(processes):
    """Return what each serves."""
    return {job: processes.page(job) for job in PROCESSES}


def frame_now():
    return {"patient": "bed-1", "device": "m-1", "event_ts_ms": int(time.time() * 1000), "spo2": 80}


def post(port, frame):
    """Send what the gateway takes, or refuses."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{READINGS_PATH}",
        json.dumps(frame).encode(),
        {"Content-Type": "application/json"},
    )
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=15).close()


def test_each_metric_that_a_rule_or_a_panel_asks_for_stands_on_a_page(pages):
    there = {name for page in pages.values() for name in families_of(page)}
    wanted = {family_of(name) for expr in shipped_expressions() for name in asked(expr).names}
    wanted = {name.replace("vigil_shadow_", "vigil_") for name in wanted}  # a worker's, under another name
    assert len(wanted) > 60
    assert wanted - there == {"up"}  # which Prometheus itself writes


@pytest.mark.parametrize("job", PROCESSES)
def test_a_page_shows_what_the_registry_declares_and_samples_have_these_labels(pages, job):
    declared = shown(registries()[job]).labels
    families = families_of(pages[job])
    assert {family_of(name) for name in declared} <= set(families)
    samples = {sample for found in families.values() for sample in found}
    of_the_process = {name for name, labels in samples if name.startswith("process_") and not labels}
    assert "process_resident_memory_bytes" in of_the_process  # of every process (`streams.metrics_server`)
    others = {one for one in samples if one[0] not in of_the_process}
    assert {name for name, labels in others if labels != declared.get(name)} == set()
    assert samples


def test_metrics_with_labels_were_in_use(pages):
    labelled = {
        name
        for page in pages.values()
        for found in families_of(page).values()
        for name, labels in found
        if labels
    }
    assert {
        "vigil_lag_seconds",
        "vigil_canary_heard_timestamp_seconds",
        "vigil_gateway_refused_total",
        "vigil_gateway_accepted_total",
        "vigil_board_source_age_seconds",
        "vigil_history_failing",
    } <= labelled


def test_workers_and_gateways_show_brokers_that_do_not_answer_before_a_worker_stops_for_it(processes, broker):
    def waits_s():
        [line] = re.findall(
            r"^vigil_publish_waiting_seconds (.*)$", processes.page("vigil-worker"), re.MULTILINE
        )
        return float(line)

    sent = threading.Thread(target=post, args=(processes.http_port, frame_now()), daemon=True)
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        sent.start()
        wait_until(
            lambda: "vigil_gateway_kafka_takes 0.0" in processes.page("vigil-gateway"), "the gateway's word"
        )
        wait_until(lambda: waits_s() > 5, "the bound of the rule")
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    wait_until(lambda: waits_s() < 1, "the broker to take what waited")
    wait_until(
        lambda: "vigil_gateway_kafka_takes 1.0" in processes.page("vigil-gateway"), "the gateway at work"
    )
    sent.join(DEADLINE_S)
