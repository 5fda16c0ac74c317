"""What a worker that cannot start says and how it ends: one line, and the exit code of who must act."""

import socket
import subprocess
import sys

import pytest
from worker_flow import environment_of

from edge.brokers.embedded import free_port

START_S_MAX = 30.0


def start(folder, **settings):
    """Run a worker until it ends; return its exit code and what it said."""
    given = {
        "brokers": f"127.0.0.1:{free_port()}",
        "metrics_port": free_port(),
        "data_dir": folder,
        "connect_wait_s": 3,
    }
    ended = subprocess.run(
        [sys.executable, "-Pm", "agents"],
        env=environment_of(given | settings),
        capture_output=True,
        text=True,
        timeout=START_S_MAX,
        check=False,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


def test_without_a_broker_address(tmp_path):
    code, said = start(tmp_path, brokers=None)
    assert code == 2
    assert said.count("\n") == 1
    assert "VIGIL_BROKERS" in said


def test_with_a_broker_address_that_nobody_answers(tmp_path):
    code, said = start(tmp_path)
    assert code == 3
    assert said.count("\n") == 1
    assert "no broker at 127.0.0.1" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("partitions", "0"),
        ("time_base", "sidereal"),
        ("brokers", "localhost"),
        ("checkpoint_interval_s", "often"),
        ("no_such_setting", "1"),
    ],
)
def test_with_a_wrong_setting(tmp_path, name, value):
    code, said = start(tmp_path, **{name: value})
    assert code == 2
    assert said.count("\n") == 1
    assert name in said.lower()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[[rule]]\nid = "a"\nsignal = "spo3"\nlow = 90\n', "spo3"),
        ('[[rule]]\nid = "a"\nsignal = "spo2"\nlow = 90\ndelay_s = -1\n', "delay_s"),
        ('[[rule]\nid = "a"\n', "line 1"),
    ],
)
def test_with_wrong_rules(tmp_path, text, named):
    rules = tmp_path / "ward.toml"
    rules.write_text(text)
    code, said = start(tmp_path, rules=rules)
    assert code == 2
    assert said.count("\n") == 1
    assert "ward.toml" in said
    assert named in said


def test_with_rules_that_are_not_there(tmp_path):
    code, said = start(tmp_path, rules=tmp_path / "ward.toml")
    assert code == 2
    assert said.count("\n") == 1
    assert "ward.toml" in said


def test_with_a_metrics_port_that_is_taken(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, said = start(tmp_path, metrics_port=port)
    assert code == 2
    assert said.count("\n") == 1
    assert f"127.0.0.1:{port}" in said


def test_with_a_data_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    code, said = start(tmp_path, data_dir=tmp_path / "file")
    assert code == 2
    assert said.count("\n") == 1
    assert "data_dir" in said
