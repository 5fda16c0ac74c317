"""What `deploy/kubernetes` makes: valid, hardened, and with settings, commands, probes and files that exist."""

import json
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml
from command_words import problem_of
from jsonschema import Draft202012Validator
from kubernetes_kinds import SPECS, schema_of
from kubernetes_pods import EACH_POD, FOLDER, OVERLAYS, ROOT, given, of_kind, our_pods, pod_of, pods, rendered
from kustomizing import identity, render

from edge.brokers.jars import kafka_version
from edge.gateway.http.openapi import openapi
from streams.config.settings import SECRETS, Settings

KUBERNETES = "1.37"
KUSTOMIZE_TIMEOUT_S = 60.0
COMPILES_S = 30.0
"""How long a core compiles where the image has no code for its processor (docs/operations.md)."""

DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
ENTRY = json.loads(re.search(r"^ENTRYPOINT (.*)$", DOCKERFILE, flags=re.MULTILINE)[1])
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")

METRICS = {
    "worker": "metrics_port",
    "gateway": "gateway_metrics_port",
    "board": "board_metrics_port",
    "deliver": "delivery_metrics_port",
    "history": "history_metrics_port",
}
SERVED = {
    ("worker", "windows"): "windows_port",
    ("gateway", "http"): "gateway_http_port",
    ("board", "http"): "board_port",
    ("deliver", "channels"): "channels_metrics_port",
    **{(part, "metrics"): setting for part, setting in METRICS.items()},
}
"""Which setting says on which number a port of a part listens."""

MIB = 1024 * 1024
UNITS = {"Mi": MIB, "Gi": 1024 * MIB}


def bytes_of(amount):
    return int(amount[:-2]) * UNITS[amount[-2:]]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_resource_is_what_kubernetes_and_the_operators_take(overlay):
    for resource in rendered(overlay):
        kind = resource["apiVersion"], resource["kind"]
        if kind in SPECS:
            Draft202012Validator(schema_of(*kind)).validate(resource)
        else:
            kubernetes_validate.validate(resource, KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_itself_makes_the_same(overlay):
    if shutil.which("kubectl") is None:
        # Also in continuous integration: no package index has it; what is not rendered as it does is refused, below.
        pytest.skip("kubectl, which has kustomize inside, is not installed")
    command = ["kubectl", "kustomize", str(FOLDER / "overlays" / overlay)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=KUSTOMIZE_TIMEOUT_S, check=True)
    unhashed = re.sub(r"(?m)^(\s*(?:- )?name: vigil-[a-z]+)-[a-z0-9]{10}$", r"\1", made.stdout)
    by_name = {identity(one): one for one in yaml.safe_load_all(unhashed)}
    assert by_name == {identity(one): one for one in rendered(overlay)}


def test_what_our_rendering_does_not_know_is_refused(tmp_path):
    (tmp_path / "kustomization.yaml").write_text("namePrefix: other-\nresources: []\n")
    with pytest.raises(AssertionError, match="namePrefix"):
        render(tmp_path)


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_a_pod_could_do_nothing_beyond_its_work(overlay, part):
    pod = pod_of(overlay, part)
    assert pod.spec["securityContext"]["runAsNonRoot"] is True
    assert f"USER {pod.spec['securityContext']['runAsUser']}:" in DOCKERFILE
    assert pod.spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod.container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod.spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.spec.keys()


def test_the_namespace_refuses_pods_that_could_do_more_and_would_refuse_none_of_these():
    [namespace] = of_kind("production", "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in [*pods("trial"), *pods("production")]:
        assert pod.spec["securityContext"]["runAsNonRoot"] is True
        assert pod.spec["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        assert pod.container["securityContext"]["allowPrivilegeEscalation"] is False
        assert pod.container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert all(
            {"emptyDir", "secret", "persistentVolumeClaim"} & volume.keys() for _, volume, _ in pod.mounts()
        )


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_no_variable_that_kubernetes_makes_of_a_service_is_taken_for_a_setting(overlay, part):
    services = [one["metadata"]["name"] for one in of_kind(overlay, "Service")]
    made = {f"{name.upper().replace('-', '_')}_PORT" for name in services}
    assert {name.removeprefix("VIGIL_").lower() for name in made} & Settings.model_fields.keys()
    assert pod_of(overlay, part).spec["enableServiceLinks"] is False


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_every_setting_exists_is_valid_and_no_secret(overlay, part):
    environment = pod_of(overlay, part).environment
    assert all(name.startswith("VIGIL_") for name in environment)
    assert given(environment).keys() <= Settings.model_fields.keys() - SECRETS
    assert Settings(**given(environment)).bootstrap


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_parts_agree_on_brokers_group_and_partitions(overlay):
    shared = (
        "brokers",
        "group",
        "topic_prefix",
        "partitions",
        "replication",
        "security_protocol",
        "time_zone",
    )
    assert len({tuple(getattr(pod.settings, name) for name in shared) for pod in our_pods(overlay)}) == 1


def test_the_trial_has_each_part_and_production_no_other():
    parts = {"worker", "gateway", "board", "deliver", "history", "watch"}
    assert {pod.part for pod in our_pods("production")} == parts
    assert {pod.part for pod in our_pods("trial")} == parts | {"ward", "topics"}


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_every_command_and_option_exists(overlay, part):
    container = pod_of(overlay, part).container
    assert "command" not in container  # the image's entry point takes the words
    assert problem_of(container["args"]) is None


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_run_one_image_whose_tag_is_said(overlay):
    [image] = {pod.container["image"] for pod in our_pods(overlay)}
    assert re.fullmatch(r"[a-z0-9./-]+:[a-z0-9.]+", image)
    assert not image.endswith(":latest")


def test_kafka_of_the_trial_is_the_version_that_the_tests_run():
    [kafka] = [pod for pod in pods("trial") if not pod.is_ours]
    assert kafka.container["image"] == f"apache/kafka:{kafka_version()}"
    assert {one["name"]: one["value"] for one in kafka.container["env"]}[
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE"
    ] == "false"


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_ports_are_where_the_process_listens(overlay, part):
    pod = pod_of(overlay, part)
    assert pod.ports == {
        name: getattr(pod.settings, setting) for (of, name), setting in SERVED.items() if of == part
    }
    assert str(pod.settings.metrics_host) == ("127.0.0.1" if part not in METRICS else "10.1.2.3")


@pytest.mark.parametrize(("overlay", "part"), [one for one in EACH_POD if one[1] in METRICS])
def test_probes_ask_what_is_served_and_wait_as_long_as_a_start_may_take(overlay, part):
    pod = pod_of(overlay, part)
    startup, liveness = pod.container["startupProbe"], pod.container["livenessProbe"]
    for probe in (startup, liveness):
        assert probe["httpGet"] == {"path": "/metrics", "port": "metrics"}
    assert startup["periodSeconds"] * startup["failureThreshold"] > pod.settings.connect_wait_s + COMPILES_S
    # The watchdog says where a worker was stuck; a kill says nothing.
    assert liveness["periodSeconds"] * (liveness["failureThreshold"] - 1) > pod.settings.stall_s_max


def test_a_worker_is_ready_by_our_own_command_and_others_by_a_port_or_page_of_theirs():
    words = pod_of("production", "worker").container["readinessProbe"]["exec"]["command"]
    assert words[: len(ENTRY)] == ENTRY
    assert problem_of(words[len(ENTRY) :]) is None
    assert "--ready" in words
    asked = pod_of("production", "gateway").container["readinessProbe"]["httpGet"]
    assert asked == {"path": "/readyz", "port": "http", "scheme": "HTTPS"}
    assert asked["path"] in openapi()["paths"]
    assert "scheme" not in pod_of("trial", "gateway").container["readinessProbe"]["httpGet"]
    assert pod_of("production", "board").container["readinessProbe"]["tcpSocket"] == {"port": "http"}


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_every_file_that_a_setting_names_is_mounted_and_what_is_written_has_room(overlay, part):
    pod = pod_of(overlay, part)
    named = {name: path for name, path in given(pod.environment).items() if str(path).startswith("/")}
    assert named.keys() <= {
        name for name in Settings.model_fields if name.endswith(("file", "dir", "clients"))
    } | {*("accounts", "routing")}
    for name, path in named.items():
        [(_, volume, read_only)] = [
            one for one in pod.mounts() if getattr(pod.settings, name).is_relative_to(one[0])
        ]
        if "secret" in volume:
            assert read_only, name
            assert path.rsplit("/")[-1] in [one["path"] for one in volume["secret"].get("items", [])] or (
                "items" not in volume["secret"]
            ), name
        else:
            assert read_only is (part == "board"), name
    [image_data] = re.findall(r"VIGIL_DATA_DIR=(\S+)", DOCKERFILE)
    [(_, volume, read_only)] = [one for one in pod.mounts() if image_data.startswith(f"{one[0]}/")]
    assert "sizeLimit" in volume["emptyDir"]
    assert not read_only


def test_every_secret_is_one_that_the_page_tells_to_make():
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    for pod in our_pods("production"):
        for _, volume, _ in pod.mounts():
            if (name := volume.get("secret", {}).get("secretName")) is not None:
                assert f"`{name}`" in page or ("`vigil-PART`" in page and name == f"vigil-{pod.part}"), name


@pytest.mark.parametrize(("overlay", "part"), EACH_POD)
def test_a_pod_says_what_it_needs_and_bounds_its_memory(overlay, part):
    resources = pod_of(overlay, part).container["resources"]
    assert resources["requests"].keys() == {"cpu", "memory"}
    assert resources["limits"].keys() == {"memory"}  # a bound of the processor delays alerts
    assert bytes_of(resources["limits"]["memory"]) >= bytes_of(resources["requests"]["memory"])


def test_a_workers_memory_is_what_was_measured():
    empty_mb = int(re.search(r"memory of a worker \| (\d+) MB before", PERFORMANCE)[1])
    patient_kib = float(re.search(r"KiB a patient, ([\d.]+) with four devices", PERFORMANCE)[1])
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    compiling_mb = int(re.search(r"a second process of up to (\d+) MB", operations)[1])
    resources = pod_of("production", "worker").container["resources"]
    limit = bytes_of(resources["limits"]["memory"])
    assert limit >= (empty_mb + compiling_mb) * 1_000_000
    assert limit >= empty_mb * 1_000_000 + 25_000 * patient_kib * 1024
    assert bytes_of(resources["requests"]["memory"]) >= empty_mb * 1_000_000 + 10_000 * patient_kib * 1024


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_whoever_runs_several_times_gives_up_one_at_a_time(overlay):
    for pod in our_pods(overlay):
        budgets = [
            one
            for one in of_kind(overlay, "PodDisruptionBudget")
            if one["spec"]["selector"]["matchLabels"].items() <= pod.labels.items()
        ]
        if pod.part in ("worker", "gateway", "board", "deliver"):
            assert [one["spec"]["maxUnavailable"] for one in budgets] == [1]
            rolling = pod.owner["spec"]["strategy"]["rollingUpdate"]
            assert rolling == {"maxSurge": 1, "maxUnavailable": 0}
        else:
            assert not budgets


def test_one_process_writes_the_history_and_a_worker_ends_within_its_time():
    assert pod_of("production", "history").owner["kind"] == "StatefulSet"
    assert pod_of("production", "history").owner["spec"]["replicas"] == 1
    assert pod_of("production", "watch").owner["spec"]["replicas"] == 1
    for pod in our_pods("production"):
        assert pod.spec["terminationGracePeriodSeconds"] == 30


def test_a_pod_is_selected_by_its_own_owner_alone():
    for overlay in OVERLAYS:
        owners = of_kind(overlay, "Deployment", "StatefulSet")
        for pod in pods(overlay):
            selecting = [
                one for one in owners if one["spec"]["selector"]["matchLabels"].items() <= pod.labels.items()
            ]
            assert selecting == ([] if pod.owner["kind"] == "Job" else [pod.owner])
