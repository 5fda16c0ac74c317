"""A fault that works: when it is healed, what is noted of it; and the machines of nodes that are made to fail."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from waiting import wait_until

from bench.drills.clocks import Clocks, library
from bench.drills.disks import can_mount
from bench.drills.drills import DRILLS
from bench.drills.fault import Claim, Fault, Need, working
from bench.drills.stage import Stage
from bench.drills.surroundings import THERE, surround
from bench.drills.worker_faults import terminated
from streams.config.settings import Settings
from streams.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 30.0


@pytest.fixture
def stage(tmp_path):
    return Stage(Settings(), None, None, tmp_path, random.Random(1), 60.0, start_s=time.time())


def fault(done):
    @contextlib.contextmanager
    def hold(_):
        done.append("made")
        yield "something is wrong"
        done.append("healed")

    return Fault("wrong", hold, (1.0, 2.0), 7.0, frozenset({Claim.NODE}), skew_s=3.0)


def test_a_fault_is_healed_when_told_and_its_time_goes_on_until_all_is_well(stage):
    done = []
    with working(stage, fault(done)) as heal:
        assert done == ["made"]
        heal()
        assert done == ["made", "healed"]
        begun_s = time.time()
        wait_until(lambda: time.time() > begun_s + 0.02, "the clock to move")
    assert done == ["made", "healed"]
    (noted,) = stage.faults
    assert noted.what == "something is wrong"
    assert noted.from_ms <= noted.healed_ms < noted.to_ms
    assert (noted.bound_s, noted.skew_s) == (7.0, 3.0)


def test_a_fault_that_nobody_heals_is_healed_at_its_end(stage):
    done = []
    with working(stage, fault(done)):
        pass
    assert done == ["made", "healed"]
    assert stage.faults[0].healed_ms <= stage.faults[0].to_ms


@pytest.mark.parametrize(
    ("exit_code", "beside_a_node", "broken"),
    [(0, False, 0), (70, False, 1), (0, True, 0), (70, True, 0), (1, True, 1), (-9, True, 1)],
)
def test_a_worker_that_is_told_to_end_may_say_that_it_could_not_write_only_while_a_node_is_wrong(
    stage, exit_code, beside_a_node, broken
):
    worker = SimpleNamespace(index=1, exit_code=exit_code)
    stage.workers = SimpleNamespace(terminate=lambda one: None, start=lambda: None)
    with contextlib.ExitStack() as works:
        if beside_a_node:
            works.enter_context(working(stage, fault([])))
        works.enter_context(terminated(stage, worker))
    assert len(stage.broken) == broken
    assert stage.disturbed == []


def test_a_drill_says_what_the_machine_lacks_for_it(tmp_path, monkeypatch):
    monkeypatch.setitem(THERE, Need.DISKS, lambda: False)
    with (
        contextlib.ExitStack() as until,
        pytest.raises(UsageError, match="does not have what the drill needs: a file system"),
    ):
        surround({Need.DISKS}, (), 3, None, tmp_path, until)


def test_what_is_only_wanted_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(THERE, Need.DISKS, lambda: False)
    with contextlib.ExitStack() as until:
        around = surround((), {Need.DISKS}, 1, "somebody:9092", tmp_path, until)
    assert around.missing == {Need.DISKS}
    assert around.bootstrap == "somebody:9092"


def test_every_fault_has_all_that_it_needs_where_it_is_played_alone():
    alone = ("stray-member", "network-partition", "full-disk", "slow-disk", "clock-step")
    assert all(DRILLS[name].bounded for name in alone)
    assert DRILLS["chaos"].wants == set(Need)


# Continuous integration installs it (.ci/run); nobody else has to, to change something else.
@pytest.mark.skipif(library() is None, reason="libfaketime is not installed")
def test_a_clock_that_was_moved_is_off_by_as_much_for_its_process_alone(tmp_path):
    clocks = Clocks(tmp_path, library())

    def off_s(node):
        told = subprocess.run(
            ["date", "+%s"], env=clocks.environment_of(node), capture_output=True, check=True, timeout=WAIT_S
        )
        return int(told.stdout) - time.time()

    clocks.move(1, -90)
    assert -100 < off_s(1) < -85
    assert abs(off_s(2)) < 10
    clocks.move(1, 0)
    assert abs(off_s(1)) < 10


DISK = """
import errno, sys, time
from pathlib import Path
from types import SimpleNamespace
from bench.drills.disks import Disks

def write(path):
    with path.open("wb", buffering=0) as file:
        return file.write(b"x" * 4096)

with Disks(Path(sys.argv[1])) as disks:
    file = disks.data_of(1).parent / "file"
    write(file)
    disks.fill(1)
    try:
        write(file.with_suffix(".full"))
        raise AssertionError("there was room on a full disk")
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    disks.free(1)
    write(file.with_suffix(".free"))
    stalling = disks.stall(1, 0.4, 0.1)
    took_s = 0.0
    deadline_s = time.monotonic() + 20
    while took_s < 0.1 and time.monotonic() < deadline_s:
        began_s = time.monotonic()
        write(file)
        took_s = time.monotonic() - began_s
    assert took_s >= 0.1, "no write ever waited"
    if sys.argv[2:]:
        print(file.parent, flush=True)
        time.sleep(60)
    disks.flow(stalling)
    began_s = time.monotonic()
    for _ in range(20):
        write(file)
    assert time.monotonic() - began_s < 5
"""


# Also in continuous integration, which may run in a container that may not mount: the drills then say what they lack.
needs_mounts = pytest.mark.skipif(not can_mount(), reason="no root, or no loop devices")


@needs_mounts
def test_a_disk_is_full_until_freed_and_slow_until_told_to_flow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-P", "-c", DISK, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=2 * WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


@needs_mounts
def test_of_a_drill_that_is_killed_no_disk_is_left_and_none_stands_still(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", DISK, str(tmp_path), "stay"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().strip()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)
        process.stdout.close()
    devices = Path("/sys/block")

    def images():
        found = (device / "loop" / "backing_file" for device in devices.glob("loop*"))
        return [one.read_text() for one in found if one.exists()]

    wait_until(lambda: not any(str(tmp_path) in image for image in images()), "the loop device to go", WAIT_S)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()
