"""Several workers under one supervisor: a fake worker that serves metrics, dies on demand and drains when asked."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest
from processes import DEADLINE_S, command, wait_until

from edge import departures, supervisor, workers
from edge.brokers.embedded import free_port
from edge.metrics_scrape import read
from edge.supervisor import attend, supervise
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.errors import BadData, BrokerUnreachable, UsageError, VigilError

ROOT = Path(__file__).resolve().parents[2]

WORKER = """
import http.server, os, signal, sys, threading, time
name = os.environ["VIGIL_METRICS_PORT"]
def say(what):
    os.write(1, f"{what} {name}\\n".encode())  # at once: two workers share the stream
class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{os.getpid()} {os.environ['VIGIL_CLIENT_ID']}".encode())
    def log_message(self, *_): pass
server = http.server.HTTPServer((os.environ["VIGIL_METRICS_HOST"], int(name)), Metrics)
def end(*_):
    say("drained")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
say("serving")
server.serve_forever()
"""
STUBBORN = WORKER.replace("os._exit(0)", "time.sleep(60)")


def pid_at(port):
    """Return the process id of the worker that serves this port; None if there is none."""
    answer = read(f"http://127.0.0.1:{port}/metrics")
    return None if answer is None else int(answer.split()[0])


def client_at(port):
    """Return the client id that the worker on this port was given."""
    return read(f"http://127.0.0.1:{port}/metrics").split()[1]


class Run(threading.Thread):
    """`supervise` in a thread of its own, since it returns when its workers have ended."""

    def __init__(self, settings, count, code):
        super().__init__(daemon=True)
        self._arguments = (settings, count)
        self._command = command(code)
        self.stop, self.lines, self.error = threading.Event(), [], None
        self.start()

    def run(self):
        try:
            supervise(*self._arguments, self.stop, self.lines.append, self._command)
        except VigilError as error:
            self.error = error

    def end(self):
        self.stop.set()
        return self.ended()

    def ended(self):
        self.join(DEADLINE_S)
        assert not self.is_alive()
        return self.error


@pytest.fixture
def settings(tmp_path):
    first = next(port for port in iter(free_port, None) if all(is_free(port + n) for n in range(3)))
    return Settings(brokers="127.0.0.1:9", data_dir=tmp_path, metrics_port=first)


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(autouse=True)
def quick_restarts(monkeypatch):
    monkeypatch.setattr(workers, "BACKOFF_S", (0.05,))


@pytest.fixture(autouse=True)
def dropped(monkeypatch):
    """Return the client ids whose members a coordinator that stands in has dropped."""
    gone = []
    monkeypatch.setattr(supervisor, "laid_out", lambda settings: settings)
    monkeypatch.setattr(
        departures, "drop_dead", lambda settings, client_id, wait_s: gone.append(client_id) or 1
    )
    return gone


def test_the_parent_holds_nothing_of_what_its_worker_needs_to_judge():
    code = (
        "import sys, edge.supervisor; "
        "heavy = {'numpy', 'numba', 'faust', 'aiokafka'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_S
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_each_worker_has_its_own_metrics_port_counted_from_the_first_and_told(settings):
    run = Run(settings, 3, WORKER)
    ports = [settings.metrics_port + place for place in range(3)]
    pids = wait_until(lambda: (found := [pid_at(p) for p in ports]) and all(found) and found, "3 workers")
    assert len(set(pids)) == 3
    assert run.lines == [f"worker {n}: http://127.0.0.1:{port}/metrics" for n, port in enumerate(ports)]
    assert run.end() is None
    assert run.lines[-1] == "draining 3 workers"
    assert not any(map(psutil.pid_exists, pids))


def test_any_free_ports_are_taken_when_none_is_given(tmp_path):
    run = Run(Settings(brokers="127.0.0.1:9", data_dir=tmp_path, metrics_port=0), 2, WORKER)
    wait_until(lambda: len(run.lines) == 2, "two workers")
    ports = [int(line.rsplit(":", 1)[1].split("/")[0]) for line in run.lines]
    wait_until(lambda: all(map(pid_at, ports)), "both serving")
    assert run.end() is None


def test_more_workers_than_ports_are_refused(tmp_path):
    with pytest.raises(UsageError, match="ports up to 65536"):
        supervise(
            Settings(brokers="a:1", metrics_port=65_535, data_dir=tmp_path), 2, threading.Event(), print
        )


def test_a_dead_worker_is_started_again_on_its_port_while_the_others_run_on(settings):
    run = Run(settings, 2, WORKER)
    first, second = settings.metrics_port, settings.metrics_port + 1
    dead = wait_until(lambda: pid_at(first), "the first worker")
    other = wait_until(lambda: pid_at(second), "the second worker")
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: pid_at(first) not in (None, dead), "another worker on the first port")
    assert pid_at(second) == other
    assert "worker 0 ended with code -9, starting it again in 0.05 s" in run.lines
    assert run.end() is None


def test_the_group_drops_the_dead_worker_and_neither_another_nor_the_one_in_its_place(settings, dropped):
    run = Run(settings, 2, WORKER)
    first, second = settings.metrics_port, settings.metrics_port + 1
    dead = wait_until(lambda: pid_at(first), "the first worker")
    wait_until(lambda: pid_at(second), "the second worker")
    known = [client_at(first), client_at(second)]
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: dropped, "the dead worker to be dropped")
    wait_until(lambda: pid_at(first) not in (None, dead), "another worker on the first port")
    assert len({*known, client_at(first)}) == 3
    assert run.end() is None
    assert dropped == known[:1]  # those that drained have left by themselves
    assert any(line.startswith("worker 0 was dropped from the group within") for line in run.lines)


def test_a_worker_that_cannot_be_dropped_is_told_of_and_the_others_are_looked_after(settings, monkeypatch):
    def refuse(settings, client_id, wait_s):
        assert wait_s == settings.session_timeout_s
        raise BrokerUnreachable("no broker at all")

    monkeypatch.setattr(departures, "drop_dead", refuse)
    run = Run(settings, 1, WORKER)
    dead = wait_until(lambda: pid_at(settings.metrics_port), "the worker")
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: pid_at(settings.metrics_port) not in (None, dead), "another worker")
    told = "worker 0 may be in the group until its session ends, 10 s after its death: no broker at all"
    wait_until(lambda: told in run.lines, "what cannot be done to be told")
    assert run.end() is None


def test_a_worker_that_never_came_to_join_is_looked_for_nowhere(settings, dropped):
    Run(settings, 1, "raise SystemExit(2)").ended()
    assert dropped == []


class Attended(Run):
    """`attend` in place of `supervise`: one worker, whose exit code is told."""

    code = None

    def run(self):
        self.code = attend(self._arguments[0], self.stop, self.lines.append, self._command)


@pytest.mark.parametrize(
    ("code", "told", "drops"),
    [
        ("raise SystemExit(0)", 0, 0),
        ("raise SystemExit(3)", 3, 0),
        ("raise SystemExit(70)", 70, 1),
        ("import os; os.kill(os.getpid(), 9)", 137, 1),
    ],
    ids=["drained", "no broker", "fail-stop", "killed"],
)
def test_one_worker_is_not_started_again_and_its_exit_code_is_the_parents(
    settings, dropped, code, told, drops
):
    run = Attended(settings, 1, code)
    assert run.ended() is None
    assert (run.code, len(dropped)) == (told, drops)


def test_one_worker_drains_when_its_parent_is_told_to_end(settings, dropped, capfd):
    run = Attended(settings, 1, WORKER)
    wait_until(lambda: pid_at(settings.metrics_port), "the worker")
    assert run.end() is None
    assert (run.code, dropped) == (0, [])
    assert f"drained {settings.metrics_port}" in capfd.readouterr().err


def test_one_worker_that_does_not_drain_is_killed_and_dropped(settings, dropped, monkeypatch):
    monkeypatch.setattr(supervisor, "DRAIN_WAIT_S", 0.5)
    run = Attended(settings, 1, STUBBORN)
    wait_until(lambda: pid_at(settings.metrics_port), "the worker")
    known = client_at(settings.metrics_port)
    assert run.end() is None
    assert (run.code, dropped) == (137, [known])


def test_workers_that_keep_dying_end_the_supervisor_with_code_1(settings):
    run = Run(settings, 2, "raise SystemExit(70)")
    error = run.ended()
    assert type(error) is VigilError
    assert error.exit_code == 1
    assert "code 70 after 5 restarts" in str(error)


def test_a_worker_that_ran_well_in_between_does_not_count_as_dying_again_and_again(settings, monkeypatch):
    monkeypatch.setattr(workers, "STABLE_S", 0.1)
    run = Run(settings, 1, "import time; time.sleep(0.2); raise SystemExit(70)")
    wait_until(lambda: len([line for line in run.lines if "starting it again" in line]) > 7, "8 deaths")
    assert run.end() is None or "did not drain" in str(run.error)  # it may die of itself at that moment


@pytest.mark.parametrize(
    ("code", "kind"), [(2, UsageError), (3, BrokerUnreachable), (4, BadData)], ids=["usage", "broker", "data"]
)
def test_a_worker_that_cannot_start_at_all_is_not_started_again(settings, code, kind):
    error = Run(settings, 1, f"raise SystemExit({code})").ended()
    assert type(error) is kind
    assert error.exit_code == code
    assert "after 0 restarts" in str(error)


def test_a_broker_that_is_away_later_is_an_outage_that_restarts_may_outlast(settings, tmp_path):
    code = f"""
from pathlib import Path
mark = Path({str(tmp_path / "died")!r})
if mark.exists(): raise SystemExit(3)
mark.touch(); raise SystemExit(70)
"""
    run = Run(settings, 1, code)
    wait_until(lambda: sum("code 3" in line for line in run.lines) >= 2, "two more tries")
    run.end()


def test_when_one_worker_is_hopeless_the_others_are_drained(settings, capfd):
    code = f"""
import os, time
if os.environ["VIGIL_METRICS_PORT"] == "{settings.metrics_port}":
    import urllib.request
    while True:
        try:
            urllib.request.urlopen("http://127.0.0.1:{settings.metrics_port + 1}/metrics", timeout=1)
            raise SystemExit(2)
        except OSError:
            time.sleep(0.05)
""" + textwrap.dedent(WORKER)
    run = Run(settings, 2, code)
    assert isinstance(run.ended(), UsageError)
    assert f"drained {settings.metrics_port + 1}" in capfd.readouterr().err


def test_a_worker_that_does_not_drain_is_killed_and_the_exit_code_tells(settings, monkeypatch):
    monkeypatch.setattr(supervisor, "DRAIN_WAIT_S", 0.5)
    run = Run(settings, 1, STUBBORN)
    pid = wait_until(lambda: pid_at(settings.metrics_port), "the worker")
    started_s = time.monotonic()
    error = run.end()
    assert time.monotonic() - started_s < 5
    assert error.exit_code == 1
    assert "1 of 1 workers did not drain, exit codes: -9" in str(error)
    assert not psutil.pid_exists(pid)


COMMAND = """
import sys
from edge import cli
import edge.commands.worker as command
import edge.supervisor as supervisor
real = supervisor.supervise
command.supervise = lambda *given: real(*given, [sys.executable, "-c", sys.argv[1]])
sys.exit(cli.main(["worker", "--workers", "2"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "ctrl_c"])
def test_the_command_drains_all_workers_on_a_signal_and_passes_on_what_they_say(number, settings):
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, WORKER],
        env=worker_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        ports = [settings.metrics_port, settings.metrics_port + 1]
        pids = wait_until(lambda: all(f := [pid_at(port) for port in ports]) and f, "both workers")
        process.send_signal(number)
        out, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert out == ""
    for port in ports:
        assert f"serving {port}" in said
        assert f"drained {port}" in said
        assert f"http://127.0.0.1:{port}/metrics" in said
    assert not any(map(psutil.pid_exists, pids))
