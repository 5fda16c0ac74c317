"""`vigil health`: what an orchestrator's probes hear of a worker."""

import http.server
import threading

import pytest

from edge.brokers.embedded import free_port
from edge.cli import main


@pytest.fixture
def serve():
    """Return a function that serves a text as /metrics and returns the port."""
    servers = []

    def start(text):
        class Metrics(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        servers.append(http.server.HTTPServer(("127.0.0.1", 0), Metrics))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("ready", "options", "exit_code", "said"),
    [
        (1, [], 0, "ready\n"),
        (0, [], 0, "alive\n"),
        (1, ["--ready"], 0, "ready\n"),
        (0, ["--ready"], 1, ""),
    ],
)
def test_a_worker_that_answers_is_alive_and_ready_once_it_owns_partitions(
    serve, capsys, ready, options, exit_code, said
):
    port = serve(f"vigil_ready {ready}.0\n")
    assert main(["health", "--metrics-port", str(port), *options]) == exit_code
    assert capsys.readouterr().out == said


def test_no_worker_is_one_line_and_exit_code_1(capsys):
    port = free_port()
    assert main(["health", "--metrics-port", str(port)]) == 1
    assert capsys.readouterr().err == f"vigil: no worker answers at http://127.0.0.1:{port}/metrics\n"


def test_a_worker_that_serves_every_interface_is_asked_on_loopback(serve):
    port = serve("vigil_ready 1.0\n")
    assert main(["health", "--metrics-host", "0.0.0.0", "--metrics-port", str(port)]) == 0
