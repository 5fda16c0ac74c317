"""`vigil top` from the outside: whom it asks, that nobody holds it up, and how it ends."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from listening_server import listening

from edge.brokers.embedded import free_port
from edge.cli import main
from edge.top.asking import Asking
from edge.top.places import PLACES_MAX, places_at, places_of
from streams.config.settings import Settings
from streams.errors import UsageError


class Worker(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.got.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"vigil_ready 1.0\nvigil_frames_total {1_000 * len(self.server.got)}\n".encode())

    def log_message(self, *_):
        pass


@contextmanager
def mute(count):
    """Give addresses where connections are taken and nothing is ever said; they speak slowly when the block ends."""
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        yield [f"http://127.0.0.1:{server.getsockname()[1]}/metrics" for server in servers]
    finally:
        for server in servers:
            server.close()


def test_workers_ports_are_counted_up_and_the_others_have_their_own():
    urls = [place.url for place in places_of(Settings(metrics_host="0.0.0.0", metrics_port=9464), 2)]
    assert urls == [f"http://127.0.0.1:{port}/metrics" for port in (9464, 9465, 9468, 9469)]


@pytest.mark.parametrize("port", [0, 65_535])
def test_ports_that_nobody_can_count_up_are_refused(port):
    with pytest.raises(UsageError, match="metrics_port"):
        places_of(Settings(metrics_port=port), 2)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("w1:9464", "http://w1:9464/metrics"),
        ("https://w1/", "https://w1/metrics"),
        ("http://w1:9464/a", "http://w1:9464/a"),
        ("[::1]:9464", "http://[::1]:9464/metrics"),
    ],
)
def test_an_address_alone_is_asked_for_its_metrics(given, url):
    assert [place.url for place in places_at((given, given))] == [url]


@pytest.mark.parametrize(
    "given", ["file:///etc/passwd", "http://", "w1:x", "ftp://w1", "http://[::1", "w1:99999"]
)
def test_what_is_no_address_over_http_is_refused(given):
    with pytest.raises(UsageError, match="--metrics"):
        places_at((given,))


def test_more_processes_than_can_be_shown_are_refused():
    with pytest.raises(UsageError, match=str(PLACES_MAX)):
        places_at(tuple(f"w{place}:1" for place in range(PLACES_MAX + 1)))


def test_a_round_lasts_as_long_as_one_that_hangs_however_many_do():
    with listening(Worker) as server, mute(40) as hanging:
        well = f"http://127.0.0.1:{server.server_port}/metrics"
        asking = Asking([*hanging, well], timeout_s=0.5)
        begun_s = time.monotonic()
        answers = asking.round()
        assert time.monotonic() - begun_s < 40 * 0.5 / 2
        assert answers[well].value("vigil_ready") == 1.0
        assert [answers[url] for url in hanging] == [None] * 40


def test_one_that_drips_is_left_alone_and_not_asked_twice_at_once():
    asked, done = [], threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            while not done.wait(0.1):  # each wait of the reader on its socket is shorter than its bound
                self.wfile.write(b"#")
                self.wfile.flush()

        def log_message(self, *_):
            pass

    with listening(Dripping) as server:
        asking = Asking([f"http://127.0.0.1:{server.server_port}/metrics"], timeout_s=0.3)
        try:
            assert [list(asking.round().values()) for _ in range(3)] == [[None]] * 3
            assert len(asked) == 1
        finally:
            done.set()


def test_once_prints_a_table_and_json_a_line_of_each_process(capsys):
    with listening(Worker) as server:
        at = ["--metrics", f"127.0.0.1:{server.server_port}", "--over", "1"]
        assert main(["top", "--once", *at]) == 0
        titles, row = (line.split() for line in capsys.readouterr().out.splitlines()[:2])
        figures = dict(zip(titles, row, strict=True))
        assert (figures["worker"], figures["state"]) == (f":{server.server_port}", "ready")
        assert 100 < float(figures["frames/s"].replace(",", "")) <= 1_000
        assert main(["top", "--json", *at]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["kind"], found["is_ready"]) == ("worker", True)


def test_a_process_that_does_not_answer_is_exit_code_1_and_is_in_the_table(capsys):
    port = free_port()
    assert main(["top", "--once", "--over", "1", "--metrics", f"127.0.0.1:{port}"]) == 1
    said = capsys.readouterr()
    assert f"process :{port} has not answered since" in said.out
    assert said.err == "vigil: 1 of 1 processes do not answer\n"


def test_without_a_terminal_it_says_what_to_do(capsys):
    assert main(["top", "--metrics", "127.0.0.1:1"]) == 2
    assert capsys.readouterr().err == "vigil: the output is no terminal: use --once or --json\n"
