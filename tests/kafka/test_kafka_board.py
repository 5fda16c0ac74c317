"""A board over brokers that go and come: it shows what it has, then what came, and loses nothing between."""

import asyncio
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from beats import beat_of
from streams_client import Viewer
from waiting import wait_until

from edge.board.board_child import board_child
from streams.config.settings import Settings
from streams.contracts.patient_state import LastValue, Patient
from streams.contracts.topics import HEARTBEAT, PATIENTS
from streams.kafka.admin import apply_topics
from streams.kafka.producers import ORDERS, Producer

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("needs_java")]

STILL_S = 3.0


def show(settings, hr):
    record = Patient(
        patient="bed-1",
        ward="a",
        seen_ts_ms=hr,
        pause=None,
        pause_until_ts_ms=None,
        alarms=(),
        values={"hr": LastValue(value=float(hr), ts_ms=hr)},
        judged_ts_ms=hr,
    )
    with Producer(settings, ORDERS, settings.topic(PATIENTS), connect_wait_s=30.0) as producer:
        producer.send(b"bed-1", record.model_dump_json().encode(), 0).get(timeout=30)
    with Producer(settings, ORDERS, settings.topic(HEARTBEAT)) as producer:
        producer.send(*beat_of(0), 0).get(timeout=30)


def is_ready(url):
    try:
        with urllib.request.urlopen(f"{url}/v1/stream", timeout=5):
            return True
    except urllib.error.HTTPError:
        return False


def heart_rate(model):
    return model.beds["bed-1"]["values"]["hr"]["value"] if "bed-1" in model.beds else None


def test_a_board_outlives_a_broker_that_goes_and_comes_back(start_kafka, tmp_path):
    kafka = start_kafka(1)
    settings = Settings(brokers=kafka.bootstrap, partitions=1, board_port=0, data_dir=tmp_path)
    apply_topics(settings)
    show(settings, 80)

    async def test(url):
        async with Viewer(urlsplit(url).port).connected() as viewer:
            await viewer.until(lambda model: heart_rate(model) == 80)
            await asyncio.to_thread(kafka.kill, 1)
            clocks, until_s = [], time.monotonic() + STILL_S
            while time.monotonic() < until_s:
                clocks += [said for kind, said in await viewer.take() if kind == "clock"]
            # The board's own clock goes on; what was judged stands still, and that is said each second.
            assert len({clock["now_ts_ms"] for clock in clocks}) > 1
            assert len({clock["partitions"]["0"] for clock in clocks}) == 1
            await asyncio.to_thread(kafka.restart, 1)
            await asyncio.to_thread(show, settings, 90)
            until_s = time.monotonic() + 60
            while heart_rate(viewer.model) != 90:
                assert time.monotonic() < until_s
                assert await viewer.take() is not None
            assert viewer.model.snapshots == 1

    with board_child(settings) as url:
        wait_until(lambda: is_ready(url), "a board that has read everything", 30)
        asyncio.run(test(url))
