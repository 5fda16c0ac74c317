"""The watcher outside over a worker that is stopped while somebody else writes its heartbeats."""

import os
import signal
import threading

import pytest
from beats import beat_of
from worker_flow import wait_until

from edge import cli
from streams.contracts.topics import HEARTBEAT


@pytest.fixture(scope="module")
def ward(make_ward):
    ward = make_ward(time_base="live")
    ward.start_ready_worker()
    yield ward
    os.kill(ward.workers[0].process.pid, signal.SIGCONT)


def watch(ward, capsys, *arguments):
    where = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
    code = cli.main(["watch", *where, "--group", ward.settings.group, *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def forge(ward, ending):
    """Write heartbeats of both partitions, twice as often as a worker would."""
    while not ending.wait(1.0):
        for partition in (0, 1):
            ward.send_to(HEARTBEAT, partition, *beat_of(partition))


def test_a_forged_heartbeat_over_a_stopped_worker_is_seen(ward, capsys):
    wait_until(lambda: len(ward.read(HEARTBEAT)) > 2, "the worker's own heartbeats")
    assert watch(ward, capsys, "--for", "4", "--silent", "4", "--behind", "3") == (0, "", "")
    os.kill(ward.workers[0].process.pid, signal.SIGSTOP)
    ending = threading.Event()
    forger = threading.Thread(target=forge, args=(ward, ending))
    forger.start()
    try:
        code, out, err = watch(ward, capsys, "--for", "40", "--silent", "10", "--behind", "8")
    finally:
        ending.set()
        forger.join()
    assert code == 1
    assert "monitoring lost: partition 0, it beats, but no tick has come into the readings for" in out
    assert err.startswith("vigil: monitoring lost: ")


def test_what_is_no_heartbeat_is_skipped_and_named(ward, capsys):
    ending = threading.Event()

    def disturb():
        while not ending.wait(0.2):
            ward.send_to(HEARTBEAT, 1, b"1", b"no beat")

    other = threading.Thread(target=disturb)
    other.start()
    try:
        code, _, err = watch(ward, capsys, "--for", "30", "--silent", "3")
    finally:
        ending.set()
        other.join()
    assert code == 1
    assert "of " + ward.settings.topic(HEARTBEAT) in err
    assert "Invalid JSON" in err
