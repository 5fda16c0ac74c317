import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from processes import DEADLINE_S, command, wait_until

from edge import workers
from edge.stack import Stack
from edge.workers import worker_environment
from streams.config.settings import Settings, load_settings
from streams.errors import UsageError, VigilError
from streams.kafka.admin import check_topics

ROOT = Path(__file__).resolve().parents[2]
STOP_S_MAX = 5.0

READY_WORKER = """
import http.server, os, signal
class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(b"vigil_ready 1\\n")
    def log_message(self, *_): pass
address = os.environ["VIGIL_METRICS_HOST"], int(os.environ["VIGIL_METRICS_PORT"])
server = http.server.HTTPServer(address, Metrics)
def end(*_): raise SystemExit(0)
signal.signal(signal.SIGTERM, end)
server.serve_forever()
"""
STUBBORN_WORKER = READY_WORKER.replace("raise SystemExit(0)", "return")


def gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.fixture
def settings(tmp_path):
    return Settings(brokers="", partitions=2, data_dir=tmp_path / "data")


def test_a_stack_has_a_broker_its_topics_and_ready_workers(settings):
    before = children()
    with Stack(settings, workers=2, command=command(READY_WORKER)) as stack:
        stack.wait_ready(DEADLINE_S)
        assert check_topics(stack.settings) == []
        assert len(stack.worker_pids) == len(set(stack.metrics_urls)) == 2
    assert children() == before
    assert list((settings.data_dir).iterdir()) == []


def test_a_worker_that_dies_is_started_again_at_the_same_address(settings, monkeypatch):
    monkeypatch.setattr(workers, "BACKOFF_S", (0.05,))
    with Stack(settings, command=command(READY_WORKER)) as stack:
        stack.wait_ready(DEADLINE_S)
        [first], urls = stack.worker_pids, stack.metrics_urls
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: stack.worker_pids not in ([], [first]), "another worker")
        stack.wait_ready(DEADLINE_S)
        assert stack.metrics_urls == urls
        assert stack.pool.restarts == 1


def test_a_worker_that_dies_again_and_again_is_given_up_with_its_last_words(settings, monkeypatch):
    monkeypatch.setattr(workers, "BACKOFF_S", (0.01,))
    monkeypatch.setattr(workers, "RESTARTS_MAX", 2)
    failing = command("import sys; print('out of paper'); sys.exit(9)")
    message = r"code 9 after 2 restarts: .*out of paper"
    with Stack(settings, command=failing) as stack, pytest.raises(VigilError, match=message):
        stack.wait_ready(DEADLINE_S)
    assert [path.name for path in settings.data_dir.iterdir()] == [f"worker-{os.getpid()}-0.log"]


def test_a_worker_that_refuses_its_settings_is_not_started_again(settings):
    refusing = command("import sys; sys.exit(2)")
    with Stack(settings, command=refusing) as stack, pytest.raises(UsageError, match="after 0 restarts"):
        stack.wait_ready(DEADLINE_S)


def test_a_worker_that_is_never_ready_is_an_error_after_the_deadline(settings):
    idle, message = command("import time; time.sleep(60)"), r"not ready within 0\.3 s"
    with Stack(settings, command=idle) as stack, pytest.raises(VigilError, match=message):
        stack.wait_ready(0.3)


def test_a_worker_that_ignores_sigterm_is_gone_within_five_seconds_too(settings):
    before = children()
    with Stack(settings, command=command(STUBBORN_WORKER)) as stack:
        stack.wait_ready(DEADLINE_S)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < STOP_S_MAX
    assert children() == before


PARENT = """
import sys, time
from pathlib import Path
from edge.stack import Stack
from edge import cli
from streams.config.settings import Settings
import signal
signal.signal(signal.SIGTERM, cli._end)
settings = Settings(brokers="", partitions=1, data_dir=Path(sys.argv[1]))
with Stack(settings, command=[sys.executable, "-c", sys.argv[2]]) as stack:
    stack.wait_ready(15)
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGTERM,
        # A killed parent cannot stop its children: Linux does (PR_SET_PDEATHSIG), other systems have nothing like it.
        pytest.param(
            signal.SIGKILL,
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills the children too"),
        ),
    ],
    ids=["ctrl_c", "sigterm", "sigkill"],
)
def test_no_child_is_left_within_five_seconds_when_the_parent_gets(number, tmp_path):
    arguments = [sys.executable, "-c", PARENT, str(tmp_path), READY_WORKER]
    parent = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
    assert parent.stdout is not None
    with parent, parent.stdout:
        assert parent.stdout.readline() == b"ready\n"
        family = [child.pid for child in psutil.Process(parent.pid).children(recursive=True)]
        assert len(family) == 2
        started_s = time.monotonic()
        os.kill(parent.pid, number)
        wait_until(lambda: all(map(gone, family)), "its children to end")
        assert time.monotonic() - started_s < STOP_S_MAX
        parent.wait(DEADLINE_S)  # on a busy machine the interpreter takes seconds to end after its last line


def test_a_worker_reads_exactly_the_settings_it_was_given(settings, monkeypatch, tmp_path):
    given = settings.model_copy(
        update={"group": "ward", "time_base": "recorded", "rules": tmp_path / "r.toml"}
    )
    monkeypatch.setenv("VIGIL_PARTITIONS", "77")
    monkeypatch.setenv("VIGIL_CONFIG", str(tmp_path / "none.toml"))
    environment = worker_environment(given)
    for name in [name for name in os.environ if name.startswith("VIGIL_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        if name.startswith("VIGIL_"):
            monkeypatch.setenv(name, value)
    assert load_settings().model_dump() == given.model_dump()
