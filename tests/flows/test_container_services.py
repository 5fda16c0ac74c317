"""What the container file starts, without containers: each service takes its environment and answers its probe."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from worker_flow import environment_of, wait_until

from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.gateway.keys import new_key
from edge.identity.accounts import Account, Accounts, save_accounts
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics

ROOT = Path(__file__).resolve().parents[2]
SERVICES = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))["services"]
PORTS = {
    "gateway": ("gateway_metrics_port", "gateway_http_port"),
    "board": ("board_metrics_port", "board_port"),
    "deliver": ("delivery_metrics_port",),
    "history": ("history_metrics_port",),
}
"""Where each listens; free ports take their place, the first of them being what is probed."""

ROUTING = '[receivers.desk]\nchannels = ["board"]\n[[route]]\nname = "all"\n[[route.step]]\nto = ["desk"]\n'


@pytest.fixture
def site(tmp_path):
    """The files that an operator writes."""
    save_accounts(
        tmp_path / "accounts.toml", Accounts(accounts={"wall-1": Account(role="viewer", wards=("*",))})
    )
    (tmp_path / "clients.toml").write_text(f'[clients."m-1"]\nkey_sha256 = ["{new_key("m-1").sha256}"]\n')
    (tmp_path / "routing.toml").write_text(ROUTING)
    return tmp_path


@pytest.fixture
def start(broker, site):
    """Return a function that starts a service and returns its process, its probe and what it said."""
    here = Settings(brokers=broker.bootstrap, topic_prefix=f"{site.name[-20:]}.", partitions=2)
    apply_topics(here)
    started = []

    def run(name):
        variables = SERVICES[name]["environment"]
        given = {variable.removeprefix("VIGIL_").lower(): value for variable, value in variables.items()}
        for setting, value in given.items():  # what is mounted there
            if value.startswith("/etc/vigil/"):
                given[setting] = value.replace("/etc/vigil", str(site))
        given |= {"brokers": here.brokers, "topic_prefix": here.topic_prefix, "partitions": 2}
        given |= {"data_dir": site / "tmp", "gateway_idempotence": False}
        given |= {"history_dir": site / "history"} if "history_dir" in given else {}
        given |= {port: free_port() for port in PORTS[name]}
        environment = environment_of(given)
        said = site / f"{name}.log"
        with said.open("wb") as log:
            process = spawn([sys.executable, "-Pm", "edge", *SERVICES[name]["command"]], log, environment)
        started.append(process)
        probe = [*SERVICES[name]["healthcheck"]["test"][2:-1], str(given[PORTS[name][0]])]

        def is_alive():
            assert process.poll() is None, said.read_text()
            asked = [sys.executable, *probe]
            return (
                subprocess.run(
                    asked, env=environment, capture_output=True, timeout=20, check=False
                ).returncode
                == 0
            )

        return process, is_alive, said

    yield run
    for process in started:
        stop(process, term_wait_s=0.0)


def test_gateway_board_delivery_and_history_start_answer_their_probes_and_end_in_order(start):
    running = {name: start(name) for name in PORTS}
    for name, (_, is_alive, _) in running.items():
        wait_until(is_alive, f"{name} answers")
    for process, _, _ in running.values():
        process.send_signal(signal.SIGTERM)
    for name, (process, _, said) in running.items():
        assert process.wait(30) == 0, (name, said.read_text())
