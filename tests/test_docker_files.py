"""The container files say what they should: users, read-only roots, health checks, and only commands that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from command_words import problem_of

from edge.brokers.jars import kafka_version
from streams.config.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE_FILE = ROOT / "docker" / "compose.yaml"
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = sorted(set(SERVICES) - {"kafka"})
METRICS_PORT = {
    "worker": "metrics_port",
    "gateway": "gateway_metrics_port",
    "board": "board_metrics_port",
    "deliver": "delivery_metrics_port",
    "history": "history_metrics_port",
}
"""Services that run for long, and which setting says where each tells how it is."""

HISTORY = "/var/lib/vigil"
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE_TIMEOUT_S = 60.0


def instructions(kind):
    """Return what follows each instruction of a kind in the Dockerfile, continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [line.split(maxsplit=1)[1] for line in joined.splitlines() if line.startswith(f"{kind} ")]


def settings_of(name):
    """Return the settings that a service gets from its environment, and the image's."""
    [line] = instructions("ENV")
    image = dict(word.split("=", 1) for word in line.split() if word.startswith("VIGIL_"))
    environment = image | SERVICES[name]["environment"]
    return Settings(
        **{variable.removeprefix("VIGIL_").lower(): value for variable, value in environment.items()}
    )


def test_the_services_are_kafka_its_topics_workers_and_what_a_profile_adds():
    assert set(SERVICES) == {"kafka", "topics", "ward", *METRICS_PORT}
    profiles = {name: SERVICES[name]["profiles"] for name in SERVICES if "profiles" in SERVICES[name]}
    assert profiles == {
        "ward": ["load"],
        "gateway": ["devices"],
        "board": ["people"],
        "deliver": ["people"],
        "history": ["history", "people"],
    }


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_as_another_user_on_a_read_only_root_without_capabilities(name):
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all("size=" in mount for mount in service["tmpfs"])
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_a_service_sees_its_own_files_only_and_writes_nowhere_but_the_history_to_its_volume(name):
    for mount in SERVICES[name].get("volumes", []):
        if mount["type"] == "volume":
            assert (mount["source"], mount["target"]) == ("history", HISTORY)
            assert mount.get("read_only") is (None if name == "history" else True)
        else:
            assert mount["source"] == f"${{SITE_FOLDER:-./site}}/{name}"
            assert mount["read_only"] is True
            assert mount["bind"] == {"create_host_path": False}  # else Docker makes an empty one of root's
    owner = f"install -d -o 10001 -g 10001 -m 700 {HISTORY}"
    assert any(owner in line for line in instructions("RUN"))


@pytest.mark.parametrize("name", sorted(METRICS_PORT))
def test_files_and_folders_that_a_service_is_told_of_are_mounted(name):
    mounted = [mount["target"] for mount in SERVICES[name].get("volumes", [])] + ["/tmp"]
    settings = settings_of(name)
    for field in ("accounts", "gateway_clients", "routing", "history_dir", "data_dir"):
        path = getattr(settings, field)
        assert path is None or any(path.is_relative_to(target) for target in mounted), field


def test_whoever_can_reach_the_board_or_the_gateway_must_say_who_it_is():
    board, gateway = settings_of("board"), settings_of("gateway")
    assert (board.board_host, board.board_port) == ("0.0.0.0", 8480)
    assert board.accounts is not None
    assert (gateway.gateway_host, gateway.gateway_http_port) == ("0.0.0.0", 8470)
    assert gateway.gateway_clients is not None
    assert SERVICES["board"]["ports"] == ["127.0.0.1:8480:8480"]
    assert SERVICES["gateway"]["ports"] == ["127.0.0.1:8470:8470"]


def test_the_board_waits_for_the_history_whose_volume_it_reads():
    assert SERVICES["board"]["depends_on"]["history"]["condition"] == "service_healthy"
    assert settings_of("board").history_dir == settings_of("history").history_dir
    assert set(SERVICES["board"]["profiles"]) <= set(SERVICES["history"]["profiles"])
    assert "deploy" not in SERVICES["history"]  # one process writes a folder


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
    for name in ("kafka", *METRICS_PORT):
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert SERVICES[name]["stop_grace_period"] == "30s"
        assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(METRICS_PORT))
def test_a_service_is_asked_where_it_tells_how_it_is(name):
    asked = SERVICES[name]["healthcheck"]["test"]
    port, settings = getattr(settings_of(name), METRICS_PORT[name]), settings_of(name)
    assert asked[1:6] == ["/opt/venv/bin/python", "-P", "-m", "edge", "health"]
    assert problem_of(asked[5:]) is None
    assert asked[6:] == ([] if port == settings.metrics_port else ["--metrics-port", str(port)])
    assert str(port) in SERVICES[name]["expose"]


def test_all_wait_for_a_healthy_kafka_and_applied_topics():
    assert SERVICES["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    for name in METRICS_PORT:
        assert SERVICES[name]["depends_on"]["kafka"]["condition"] == "service_healthy"
        assert SERVICES[name]["depends_on"]["topics"]["condition"] == "service_completed_successfully"
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
        (["history"], "no command history"),
        (["gateway"], None),
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
