"""The table of safe settings in docs/devices.md, row by row: each client beside the others through the same faults."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from waiting import wait_until

from bench.peers.environments import environment
from edge.brokers.cluster import KafkaCluster
from edge.brokers.jars import find_java, jars
from streams.config.settings import Settings
from streams.kafka.connect import connect_admin
from streams.kafka.log_end import read_whole

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("needs_java")]

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent / "device_clients"
PARTITIONS = 3
KEYS = 5
EVERY_S = 0.02
BACK_S_MAX = 10.0
START_S_MAX = 120.0
TOLD_MS_MAX = 60_000
"""A client whose delivery time-out is longer tells of no loss in these tests: it sends everything later."""

AS_IT_COMES = "kafka-python 3 as it comes"
OURS = "vigil"
ROWS = ("kafka-python 3", "kafka-python 2", "aiokafka", "librdkafka (confluent-kafka)", "Java")
SAFE = (*ROWS, OURS)
REFUSED = f"{AS_IT_COMES}, after a refused record"
NUMBERED = "aiokafka, with idempotence"
STILL = f"{AS_IT_COMES}, after brokers that stood still"


def table():
    """Return the settings of each client in the document."""
    rows = {}
    for line in (ROOT / "docs" / "devices.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[2].startswith("`acks=all`"):
            pairs = (setting.split("=") for setting in re.findall(r"`([^`]+)`", cells[2]))
            rows[cells[0]] = {name: value_of(text) for name, text in pairs}
    return rows


def value_of(text):
    return int(text) if text.isdigit() else {"True": True, "False": False}.get(text, text)


@dataclass
class Client:
    """One device's process, and what it has said of its records."""

    name: str
    process: subprocess.Popen
    keys: list
    said: list = field(default_factory=list)

    def __post_init__(self):
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def tell(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def acknowledged(self, since_s=0.0):
        """Return the numbers of the records that were acknowledged since then."""
        return [
            one["number"]
            for one in tuple(self.said)
            if one.get("error", "") is None and one["at_s"] >= since_s and isinstance(one["number"], int)
        ]

    def failed(self, since_s=0.0):
        """Return the numbers of the records that were told as lost since then."""
        return {
            one["number"]
            for one in tuple(self.said)
            if one.get("error") is not None and one["at_s"] >= since_s
        }

    def back_after_s(self, since_s):
        """Return when it had acknowledged a record of every key again, s; infinite if it never did.

        A client may be lost for one partition and go on with the others.
        """
        first_s: dict[int, float] = {}
        for one in tuple(self.said):
            if one.get("error", "") is None and one["at_s"] >= since_s and isinstance(one["number"], int):
                first_s.setdefault(one["number"] % KEYS, one["at_s"] - since_s)
        return max(first_s.values()) if len(first_s) == KEYS else float("inf")


@dataclass
class Story:
    """What happened, and when (wall clock, s)."""

    clients: dict
    log: dict
    refused_s: float
    still_s: float
    back_s: float
    restarted_s: float


def commands(brokers, topic, short):
    """Return each client's program; `short` cuts the delivery time-outs of the table to 5 s."""
    python = {
        "kafka-python 3": (sys.executable, "send_kafka_python.py"),
        "kafka-python 2": (
            environment(HERE / "kafka_python_2" / "requirements.txt") / "bin" / "python",
            "send_kafka_python.py",
        ),
        "aiokafka": (sys.executable, "send_aiokafka.py"),
        "librdkafka (confluent-kafka)": (
            environment(HERE / "librdkafka" / "requirements.txt") / "bin" / "python",
            "send_librdkafka.py",
        ),
        OURS: (sys.executable, "send_vigil.py"),
    }
    settings = table()
    assert tuple(settings) == ROWS
    if short:
        for chosen in settings.values():
            for name, value in chosen.items():
                if re.search(r"(request|delivery|message).timeout.ms", name) and value <= TOLD_MS_MAX:
                    chosen[name] = 2_000 if name.startswith("request") else 5_000
        settings["aiokafka"]["request_timeout_ms"] = 5_000
    settings[OURS] = {"request_s": 2.0 if short else 15.0, "delivery_s": 5.0 if short else 60.0}
    usual = {"acks": "all"} | ({"request_timeout_ms": 2_000, "delivery_timeout_ms": 5_000} if short else {})
    for name in (REFUSED, STILL):
        python[name], settings[name] = python["kafka-python 3"], usual
    python[NUMBERED] = python["aiokafka"]
    settings[NUMBERED] = settings["aiokafka"] | {"enable_idempotence": True}
    found = {}
    for name, (program, script) in python.items():
        plan = {
            "brokers": brokers,
            "topic": topic,
            "keys": keys_of(name),
            "every_s": EVERY_S,
            "settings": settings[name],
        }
        found[name] = [str(program), str(HERE / script), json.dumps(plan)]
    java = {"bootstrap.servers": brokers} | settings["Java"]
    found["Java"] = [find_java(), "-Xmx128m", "-cp", f"{jars()}/*", str(HERE / "SendJava.java"), topic]
    found["Java"] += [str(round(EVERY_S * 1000)), ",".join(keys_of("Java"))]
    found["Java"] += [f"{name}={value}" for name, value in java.items()]
    return found


def keys_of(name):
    return [f"{name}/{number}" for number in range(KEYS)]


def start(name, command, stack):
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    stack.enter_context(process)
    stack.callback(process.kill)
    return Client(name, process, keys_of(name))


def make_topic(settings, topic):
    shape = {
        "num_partitions": PARTITIONS,
        "replication_factor": 1,
        "configs": {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.after.max.ms": "3600000",
            "max.message.bytes": "100000",
        },
    }
    with closing(connect_admin(settings)) as admin:
        admin.create_topics({topic: shape}, timeout_ms=15_000, wait_for_metadata=True)


def read_log(brokers, topic):
    """Return the numbers of each key in the order of the log."""
    found = {}
    for record in read_whole(Settings(brokers=brokers), topic):
        found.setdefault(record.key.decode(), []).append(int(record.value))
    return found


def wait_quietly(condition, deadline_s):
    """Wait until all are there, or the deadline; what is missing is each client's own test to say."""
    until_s = time.monotonic() + deadline_s
    while not condition() and time.monotonic() < until_s:
        time.sleep(0.05)


def play(still_s, short):
    """Take all clients through a refused record, brokers that stand still, and brokers that are killed."""
    topic = "devices"
    with ExitStack() as stack:
        kafka = stack.enter_context(KafkaCluster(1))
        make_topic(Settings(brokers=kafka.bootstrap), topic)
        clients = {
            name: start(name, command, stack)
            for name, command in commands(kafka.bootstrap, topic, short).items()
        }
        for client in clients.values():
            wait_until(lambda c=client: len(c.acknowledged()) > 50, client.name, START_S_MAX)
        for name, client in clients.items():
            if name != STILL:
                client.tell("refuse")
        wait_quietly(lambda: all({"large", "ahead"} <= clients[name].failed() for name in SAFE), 10.0)
        refused_s = time.time()
        wait_quietly(
            lambda: all(
                c.back_after_s(refused_s) < BACK_S_MAX
                for n, c in clients.items()
                if n not in (REFUSED, NUMBERED)
            ),
            10.0,
        )
        pid, began_s = kafka.pids[0], time.time()
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(still_s)  # the fault itself: nothing to wait for
        finally:
            os.kill(pid, signal.SIGCONT)
        back_s = time.time()
        wait_quietly(lambda: all(clients[name].back_after_s(back_s) < 60 for name in SAFE), BACK_S_MAX)
        kafka.kill(1)
        time.sleep(2.0)
        kafka.restart(1)
        restarted_s = time.time()
        wait_quietly(lambda: all(clients[name].back_after_s(restarted_s) < 60 for name in SAFE), BACK_S_MAX)
        for client in clients.values():
            client.tell("stop")
        wait_quietly(lambda: all("open" in c.said[-1] for c in clients.values() if c.name in SAFE), 15.0)
        return Story(clients, read_log(kafka.bootstrap, topic), refused_s, began_s, back_s, restarted_s)


@pytest.fixture(scope="module")
def short_story():
    return play(still_s=8.0, short=True)


@pytest.fixture(scope="module")
def long_story():
    return play(still_s=150.0, short=False)


@pytest.fixture(
    params=[
        pytest.param("short_story", id="8s"),
        pytest.param("long_story", id="150s", marks=pytest.mark.drill),
    ]
)
def story(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("name", SAFE)
def test_a_client_with_safe_settings_goes_on_after_a_record_that_is_refused(story, name):
    client = story.clients[name]
    assert {"large", "ahead"} <= client.failed()
    assert client.back_after_s(story.refused_s) < BACK_S_MAX


@pytest.mark.parametrize("name", SAFE)
def test_a_client_with_safe_settings_is_back_soon_after_brokers_that_stood_still(story, name):
    client = story.clients[name]
    assert client.back_after_s(story.back_s) < BACK_S_MAX
    assert bool(client.failed(since_s=story.still_s)) == (name != "kafka-python 2"), "losses must be told"


@pytest.mark.parametrize("name", SAFE)
def test_a_client_with_safe_settings_is_back_soon_after_brokers_that_were_killed(story, name):
    assert story.clients[name].back_after_s(story.restarted_s) < BACK_S_MAX


@pytest.mark.parametrize("name", SAFE)
def test_what_was_acknowledged_is_in_the_log_in_the_order_of_its_key_and_nothing_stays_open(story, name):
    client = story.clients[name]
    acknowledged = set(client.acknowledged())
    assert client.said[-1]["open"] == 0
    seen = []
    for key in client.keys:
        firsts = [number for number in dict.fromkeys(story.log[key]) if number in acknowledged]
        assert firsts == sorted(firsts)
        seen += firsts
    assert set(seen) == acknowledged


def test_kafka_python_as_it_comes_is_mute_after_a_refused_record_until_that_is_mended(story):
    """When this fails: idempotence may be allowed again in docs/devices.md and streams/kafka/producers.py."""
    assert not story.clients[REFUSED].acknowledged(story.refused_s + 1.0)


def test_kafka_python_as_it_comes_is_mute_after_brokers_that_stood_still_until_that_is_mended(story):
    """When this fails: as above."""
    client = story.clients[STILL]
    assert client.back_after_s(story.refused_s) < BACK_S_MAX
    assert not client.acknowledged(story.back_s + 1.0)


def test_aiokafka_with_idempotence_loses_the_partition_of_a_refused_record_until_that_is_mended(story):
    """When this fails: idempotence may be allowed again for aiokafka in docs/devices.md."""
    client = story.clients[NUMBERED]
    lost = {number % KEYS for number in client.failed(story.refused_s) if isinstance(number, int)}
    assert 0 in lost, "the key of the refused records"
    assert not {n for n in client.acknowledged(story.refused_s + 1.0) if n % KEYS == 0}
