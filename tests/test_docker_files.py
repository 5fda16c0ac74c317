"""The container files say what they should: users, read-only roots, health checks, and only commands that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from edge.cli import COMMANDS
from streams.kafka_jars import kafka_version
from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE_FILE = ROOT / "docker" / "compose.yaml"
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = sorted(set(SERVICES) - {"kafka"})
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_TIMEOUT_S = 60.0


def instructions(kind):
    """Return what follows each instruction of a kind in the Dockerfile, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{kind} ")]


def problem_of(words):
    """Return why the command line knows no such command or option; None if it does."""
    name, *rest = words
    if name not in COMMANDS:
        return f"no command {name}"
    command = COMMANDS[name][1]()
    if isinstance(command, click.Group):
        found = command.commands.get(rest[0] if rest else "")
        if found is None:
            return f"no command {' '.join(words[:2])}"
        command, rest = found, rest[1:]
    known = {text for parameter in command.params for text in parameter.opts + parameter.secondary_opts}
    unknown = [word for word in rest if word.startswith("-") and word.split("=")[0] not in known]
    return f"no option {unknown[0]} of {name}" if unknown else None


def test_the_services_are_kafka_its_topics_workers_and_a_simulated_ward():
    assert set(SERVICES) == {"kafka", "topics", "worker", "ward"}
    assert SERVICES["ward"]["profiles"] == ["load"]


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_as_another_user_on_a_read_only_root_without_capabilities(name):
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all("size=" in mount for mount in service["tmpfs"])
    assert "privileged" not in service
    assert "volumes" not in service


def test_kafka_is_not_root_and_is_the_version_that_the_tests_run():
    kafka = SERVICES["kafka"]
    assert kafka["image"] == f"apache/kafka:{kafka_version()}"
    assert kafka["user"] not in ("root", "0", 0)
    assert kafka["cap_drop"] == ["ALL"]
    assert kafka["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_of_the_machine_are_opened_on_loopback_only(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert "network_mode" not in SERVICES[name]


def test_every_service_that_runs_for_long_has_a_health_check_and_a_grace_period():
    for name in ("kafka", "worker"):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert SERVICES[name]["stop_grace_period"] == "30s"
        assert SERVICES[name]["restart"] == "unless-stopped"


def test_workers_wait_for_a_healthy_kafka_and_applied_topics():
    assert SERVICES["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert SERVICES["worker"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert SERVICES["worker"]["depends_on"]["topics"]["condition"] == "service_completed_successfully"
    assert SERVICES["worker"]["deploy"]["replicas"] >= 2


@pytest.mark.parametrize("name", OURS)
def test_every_command_and_option_exists(name):
    assert problem_of(SERVICES[name]["command"]) is None


@pytest.mark.parametrize("name", OURS)
def test_every_setting_exists_and_is_valid(name):
    environment = SERVICES[name]["environment"]
    given = {variable.removeprefix("VIGIL_").lower(): value for variable, value in environment.items()}
    assert given.keys() <= Settings.model_fields.keys()
    assert Settings(**given).bootstrap == ["kafka:9092"]


def test_topics_and_workers_agree_on_the_partitions():
    counts = {SERVICES[name]["environment"]["VIGIL_PARTITIONS"] for name in OURS}
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["observe"], "no command observe"),
        (["topics", "drop"], "no command topics drop"),
        (["worker", "--wokers", "2"], "no option --wokers of worker"),
        (["topics", "apply", "--partitions", "2"], None),
    ],
)
def test_the_check_of_commands_finds_what_does_not_exist(words, problem):
    assert problem_of(words) == problem


def test_what_the_image_copies_exists_and_is_sent_to_the_builder():
    copied = [line.split()[:-1] for line in instructions("COPY") if not line.startswith("--from")]
    sources = {source for sources in copied for source in sources}
    assert sources >= {"requirements.lock", "clinical", "streams", "tables", "agents", "edge"}
    ignored = (ROOT / "docker" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored


def test_the_image_is_built_in_two_stages_from_hashed_requirements_and_is_not_root():
    assert instructions("FROM") == ["python:3.11-slim AS build", "python:3.11-slim"]
    assert any("--require-hashes" in line for line in instructions("RUN"))
    assert instructions("USER") == ["10001:10001"]
    assert "ADD" not in re.findall(r"^[A-Z]+", DOCKERFILE, flags=re.MULTILINE)


def test_the_entry_point_and_the_health_check_are_lists_so_that_signals_arrive():
    [entry] = instructions("ENTRYPOINT")
    python = ["/opt/venv/bin/python", "-P", "-m", "edge"]
    assert json.loads(entry) == python
    [health] = instructions("HEALTHCHECK")
    asked = json.loads(health[health.index("[") :])
    assert asked[:4] == python
    assert problem_of(asked[4:]) is None
    assert SERVICES["worker"]["healthcheck"]["test"] == ["CMD", *asked]


def test_the_images_settings_exist():
    [line] = instructions("ENV")
    ours = dict(word.split("=", 1) for word in line.split() if word.startswith("VIGIL_"))
    assert Settings(**{name.removeprefix("VIGIL_").lower(): value for name, value in ours.items()})


def has_compose():
    if shutil.which("docker") is None:
        return False
    asked = ["docker", "compose", "version"]
    return subprocess.run(asked, capture_output=True, timeout=COMPOSE_TIMEOUT_S, check=False).returncode == 0


def test_compose_itself_accepts_the_file():
    if not has_compose():
        # Also in continuous integration, which may run in a container itself; the other tests here read the file.
        pytest.skip("docker is not installed, or without its compose plugin")
    checked = subprocess.run(
        ["docker", "compose", "-f", COMPOSE_FILE, "config", "--quiet"],
        capture_output=True,
        text=True,
        timeout=COMPOSE_TIMEOUT_S,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
