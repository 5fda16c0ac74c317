"""How a worker ends when it is told to: with everything handed over, or forced out when that is stuck."""

import re
import signal
import subprocess
import sys
import time

import pytest
from worker_flow import environment_of, frame, wait_until

from agents.health import watchdog
from agents.health.watchdog import Watchdog
from edge.brokers.embedded import free_port
from edge.metrics_scrape import read

DRAIN_S_MAX = 20.0
KILLED_S_MAX = 30.0
"""After so long service managers and orchestrators kill without a word."""

STUCK = """
import asyncio, sys, time
import agents.health.watchdog as watchdog
from tables.changelog.checkpoint import Checkpointer
watchdog.DRAIN_S_MAX = 2.0
async def never(self):
    print("checkpoint begun", file=sys.stderr, flush=True)
    {how}
Checkpointer.hand_over = never
from agents.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "ctrl_c"])
def test_a_worker_that_is_told_to_end_hands_everything_over_and_exits_0_in_time(make_ward, number):
    ward = make_ward(checkpoint_interval_s=60)  # nothing is durable before the drain
    worker = ward.start_ready_worker()
    ward.send_all((n % 2, *frame(f"bed-{n}", t, hr=140, spo2=97)) for t in range(10) for n in range(6))
    ward.wait_for_alerts(ward.expected())
    started_s = time.monotonic()
    worker.process.send_signal(number)
    assert worker.process.wait(KILLED_S_MAX) == 0
    assert time.monotonic() - started_s < DRAIN_S_MAX
    assert ward.committed() == ward.log_end()


@pytest.mark.parametrize(
    "how", ["await asyncio.sleep(600)", "time.sleep(600)"], ids=["waits for ever", "blocks the event loop"]
)
def test_a_worker_whose_drain_is_stuck_is_forced_out_with_code_70(make_ward, how):
    ward = make_ward()
    port = free_port()
    environment = environment_of(ward.settings.model_dump() | {"metrics_port": port})
    with subprocess.Popen(
        [sys.executable, "-c", STUCK.format(how=how)], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_until(lambda: is_ready(port), "a worker with partitions")
            process.terminate()
            _, said = process.communicate(timeout=KILLED_S_MAX)
        finally:
            process.kill()
    assert process.returncode == 70
    assert "checkpoint begun" in said
    assert "the drain has not come to an end within 2 s" in said
    assert re.search(r"^  <string>:\d+ never$", said, re.MULTILINE), said


def is_ready(port):
    return "\nvigil_ready 1.0\n" in (read(f"http://127.0.0.1:{port}/metrics", 2) or "")


def test_a_worker_that_is_told_to_end_while_it_waits_for_a_broker_ends_at_once(tmp_path):
    given = {"brokers": f"127.0.0.1:{free_port()}", "metrics_port": 0, "data_dir": tmp_path}
    given["connect_wait_s"] = 60
    with subprocess.Popen(
        [sys.executable, "-Pm", "agents"], env=environment_of(given), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            first = process.stderr.readline()
            process.terminate()
            assert process.wait(DRAIN_S_MAX) == 0
        finally:
            process.kill()
    assert first.startswith(f"vigil: waiting for a broker at {given['brokers']}: connection refused")
    assert "of 60 s" in first


def test_the_bound_of_a_drain_counts_from_the_first_signal_and_replaces_the_signs_of_life():
    now_s, reasons = [0.0], []
    watched = Watchdog(5.0, reasons.append, lambda: now_s[0])
    watched.alive("event loop")
    watched.draining()
    now_s[0] = watchdog.DRAIN_S_MAX - 0.1
    watched.draining()
    watched.check()
    assert reasons == []
    now_s[0] = watchdog.DRAIN_S_MAX + 0.1
    watched.check()
    assert len(reasons) == 1


def test_a_stuck_drain_is_over_before_others_lose_patience():
    assert watchdog.DRAIN_S_MAX + 1.0 < KILLED_S_MAX
