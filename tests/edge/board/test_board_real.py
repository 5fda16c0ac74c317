"""The real board on the embedded broker with a worker and a simulated bed, as a nurse sees it in a browser."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from kafka import KafkaProducer
from page_tools import LIVE, until

from edge.stack import Stack
from streams.config.settings import Settings
from streams.contracts.topics import READINGS

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[3]
BED, CALM = "bed-7", "bed-8"
STOP_S = 10.0


class Monitors:
    """Two bedside monitors that send a frame a second; one says that the heart stands still."""

    def __init__(self, settings):
        self._topic = settings.topic(READINGS)
        self._producer = KafkaProducer(bootstrap_servers=settings.bootstrap)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join(STOP_S)
        self._producer.close(2)

    def _run(self):
        seq = 0
        while not self._end.is_set():
            for patient, said in ((BED, {"hr": 72, "asystole": True}), (CALM, {"hr": 64, "spo2": 97})):
                event_ts_ms = time.time_ns() // 1_000_000
                frame = {
                    "patient": patient,
                    "device": f"m-{patient}",
                    "boot": 0,
                    "seq": seq,
                    "event_ts_ms": event_ts_ms,
                }
                self._producer.send(self._topic, json.dumps(frame | said).encode(), patient.encode())
            seq += 1
            self._end.wait(1.0)


@pytest.fixture
def real_board(tmp_path):
    with Stack(Settings(brokers="", partitions=2, data_dir=tmp_path / "data")) as stack:
        stack.wait_ready()
        command = [sys.executable, "-m", "edge", "board", "--port", "0", "--metrics-port", "0"]
        environment = {**os.environ, "VIGIL_BROKERS": stack.settings.brokers}
        said = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            address = re.search(r"http://\S+", said.stdout.readline())
            assert address
            yield said, stack.settings, address[0]
        finally:
            said.send_signal(signal.SIGCONT)
            said.terminate()
            said.wait(STOP_S)
            said.stdout.close()


def test_acknowledging_on_the_page_ends_the_flashing(chromium, real_board):
    """And a stopped board is told of within 5 s, and found again."""
    process, settings, url = real_board
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: "Content Security" in said.text and faults.append(said.text))
    with Monitors(settings):
        page.goto(url)
        flashing = f'li[data-key="{BED}"][data-flash="high"]'
        page.wait_for_selector(flashing)
        page.wait_for_selector(LIVE)
        page.wait_for_selector(f'li[data-key="{CALM}"][data-size="small"] >> text=97')
        page.keyboard.press("a")
        page.wait_for_selector("dialog[open]")
        page.keyboard.press("Enter")
        page.wait_for_selector(f'li[data-key="{BED}"]:not([data-flash])')
        page.wait_for_selector('#queue li[data-state="accepted"]')
        page.click(f'li[data-key="{BED}"] a')
        page.wait_for_selector('.alarm[data-state="acknowledged"]')
        page.wait_for_selector(".tables-panel >> text=acknowledge")
        until(lambda: page.locator(".trend").count(), "a plot of what the page has seen")
        process.send_signal(signal.SIGSTOP)
        began_s = time.monotonic()
        page.wait_for_selector(".banner >> text=No word from the server")
        assert time.monotonic() - began_s <= 5.0
        process.send_signal(signal.SIGCONT)
        page.wait_for_selector(LIVE)
    assert faults == []
    context.close()
