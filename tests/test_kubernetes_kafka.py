"""Topics, accounts and the number of workers on Kubernetes are what the program itself says of them."""

import ast
import re
import subprocess
import sys
from collections import Counter

import pytest
import yaml
from house_text import ROOT, tree_of
from kubernetes_pods import FOLDER, of_kind, our_pods, pod_of

from agents.health.metrics import Metrics
from streams.config.settings import Settings
from streams.contracts.rights import PARTS, account_of, part_called, rights_of
from streams.contracts.topics import TOPICS
from streams.kafka.admin import plan
from streams.published.strimzi import CLUSTER, TOPICS_FILE, USERS_FILE, resource_name, topics_page, users_page

STRIMZI = FOLDER / "strimzi"
RUN_TIMEOUT_S = 60
COOLDOWN_S_MIN = 600
"""The least time between a worker that was needed and its end [M]: each change moves patients."""


ENTRIES = {
    "worker": ("agents.__main__",),
    "gateway": ("edge.gateway.process",),
    "board": ("edge.board.process",),
    "deliver": ("edge.delivering", "agents.delivery.__main__", "edge.channels.__main__"),
    "history": ("edge.history.process",),
    "watch": ("edge.commands.watch",),
}
"""Modules that a part's processes begin with."""


def modules_of(entries):
    """Return the files of all modules of ours that are imported from some, near or far."""
    found, todo = set(), list(entries)
    while todo:
        path = ROOT / f"{todo.pop().replace('.', '/')}.py"
        if path in found or not path.is_file():
            continue
        found.add(path)
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom):
                todo += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


def calls(path, name):
    return any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
        for node in ast.walk(tree_of(path))
    )


@pytest.fixture(scope="module")
def here():
    """The settings that production's pods share."""
    shared = pod_of("production", "worker").settings
    return Settings(partitions=shared.partitions, replication=shared.replication, group=shared.group)


def test_the_committed_topics_and_accounts_are_what_the_program_says(here):
    assert (STRIMZI / TOPICS_FILE).read_text(encoding="utf-8") == topics_page(here), "see kustomization.yaml"
    assert (STRIMZI / USERS_FILE).read_text(encoding="utf-8") == users_page(here), "see kustomization.yaml"


def test_the_command_that_the_files_name_writes_the_same_bytes_again(here, tmp_path):
    said = (STRIMZI / "kustomization.yaml").read_text(encoding="utf-8")
    [line] = re.findall(r"(VIGIL_\S+=\S+ .*) python -m (\S+) deploy/kubernetes/strimzi", said)
    variables = dict(word.split("=") for word in line[0].split())
    subprocess.run(
        [sys.executable, "-m", line[1], str(tmp_path)],
        cwd=ROOT,
        env=variables,
        timeout=RUN_TIMEOUT_S,
        check=True,
    )
    assert (tmp_path / TOPICS_FILE).read_text(encoding="utf-8") == topics_page(here)
    assert (tmp_path / USERS_FILE).read_text(encoding="utf-8") == users_page(here)


def test_there_is_a_kafka_topic_for_every_topic_of_the_plan_as_the_plan_has_it(here):
    found = {one["metadata"]["name"]: one["spec"] for one in of_kind("strimzi", "KafkaTopic")}
    assert found == {
        topic.name: {"partitions": topic.partitions, "replicas": topic.replication}
        | ({"config": dict(topic.config)} if topic.config else {})
        for topic in plan(here)
    }
    assert {topic.name for topic in TOPICS} <= found.keys()


def test_each_part_that_runs_there_has_the_account_of_its_rights_and_of_no_others(here):
    users = {one["metadata"]["name"]: one["spec"] for one in of_kind("strimzi", "KafkaUser")}
    for pod in our_pods("strimzi"):
        assert pod.settings.sasl_username == account_of(part_called(pod.part))
        [secret] = [
            volume["secret"]
            for path, volume, _ in pod.mounts()
            if pod.settings.sasl_password_file.parent == path
        ]
        assert secret["secretName"] == pod.settings.sasl_username  # Strimzi makes it under the account's name
        acls = users[pod.settings.sasl_username]["authorization"]["acls"]
        assert [
            (one["resource"]["type"], one["resource"]["name"], tuple(one["operations"])) for one in acls
        ] == [
            (right.kind, right.name, right.operations)
            for right in rights_of(part_called(pod.part), here.group)
        ]
    assert users.keys() == {account_of(part) for part in PARTS if part.name != "device"}


def test_the_command_key_is_given_to_who_seals_or_opens_orders_and_to_nobody_else():
    for pod in our_pods("production"):
        has_key = any(
            volume.get("secret", {}).get("secretName") == "vigil-command-key" for _, volume, _ in pod.mounts()
        )
        # Who is only told how the readings lie checks that where there is a key, and does without.
        modules = [path for path in modules_of(ENTRIES[pod.part]) if path.name != "layout_log.py"]
        needs_key = any(calls(path, "seals_of") for path in modules)
        assert (pod.settings.command_key_file is not None, has_key) == (needs_key, needs_key), pod.part


WIDE = r"vigil-(shadow|doctor)-|vitals\.readings\.g|vigil\.g"
"""Names of what is made while Vigil runs begin so: rules on trial, probes, generations of the readings."""


def test_no_account_may_do_everything_or_change_the_cluster():
    for user in of_kind("strimzi", "KafkaUser"):
        for acl in user["spec"]["authorization"]["acls"]:
            assert acl["resource"]["type"] in ("topic", "group")
            is_wide = acl["resource"]["patternType"] == "prefix"
            assert not is_wide or re.fullmatch(WIDE, acl["resource"]["name"])
            assert not {"All", "Alter", "AlterConfigs", "ClusterAction"} & set(acl["operations"])


def test_all_are_of_one_cluster_whose_name_the_brokers_address_and_certificate_have():
    of_kafka = of_kind("strimzi", "KafkaTopic", "KafkaUser")
    assert {one["metadata"]["labels"]["strimzi.io/cluster"] for one in of_kafka} == {CLUSTER}
    assert pod_of("strimzi", "worker").settings.bootstrap == [f"{CLUSTER}-kafka-bootstrap:9093"]
    secrets = {
        volume["secret"]["secretName"]
        for _, volume, _ in pod_of("strimzi", "watch").mounts()
        if "secret" in volume
    }
    assert f"{CLUSTER}-cluster-ca-cert" in secrets


def test_a_prefix_that_is_no_name_for_kubernetes_stays_the_topics_name():
    topic, *_ = yaml.safe_load_all(topics_page(Settings(topic_prefix="Site_1.")))
    assert topic["metadata"]["name"] == "site-1.vitals.readings"
    assert topic["spec"]["topicName"] == "Site_1.vitals.readings"


def test_names_of_resources_stay_apart(here):
    names = Counter(resource_name(topic.name) for topic in plan(here))
    assert max(names.values()) == 1


def test_workers_are_never_one_alone_and_never_more_than_partitions():
    [scaled] = of_kind("production", "ScaledObject")
    spec = scaled["spec"]
    worker = pod_of("production", "worker")
    assert spec["scaleTargetRef"]["name"] == worker.name
    assert 2 <= spec["minReplicaCount"] < spec["maxReplicaCount"] <= worker.settings.partitions
    assert "replicas" not in worker.owner["spec"]  # or each `kubectl apply` sets them back
    assert pod_of("trial", "worker").owner["spec"]["replicas"] == 2


def test_workers_are_taken_away_late_and_added_by_what_is_measured():
    [scaled] = of_kind("production", "ScaledObject")
    behavior = scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= COOLDOWN_S_MIN
    assert scaled["spec"]["cooldownPeriod"] >= COOLDOWN_S_MIN
    assert all(
        policy["periodSeconds"] >= COOLDOWN_S_MIN for side in behavior.values() for policy in side["policies"]
    )
    lag, cpu = scaled["spec"]["triggers"]
    named = set(re.findall(r"vigil_\w+", lag["metadata"]["query"]))
    assert named == {"vigil_lag_seconds"}
    assert named <= {metric.name for metric in Metrics().registry.collect()}
    assert lag["metadata"]["ignoreNullValues"] == "false"  # no answer is no zero
    assert cpu["type"] == "cpu"
    assert "cpu" in pod_of("production", "worker").container["resources"]["requests"]  # of which it is a part


def jobs_of(monitor, pod):
    """Return what Prometheus calls the job of each page of a pod, by port: relabelling as far as ours uses it."""
    found = {}
    for endpoint in monitor["spec"]["podMetricsEndpoints"]:
        if endpoint["port"] not in pod.ports:
            continue
        labels = {
            f"__meta_kubernetes_pod_label_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}": value
            for name, value in pod.labels.items()
        }
        for step in endpoint["relabelings"]:
            joined = ";".join(labels[name] for name in step.get("sourceLabels", []))
            if (matched := re.fullmatch(step.get("regex", "(.*)"), joined)) is not None:
                labels[step["targetLabel"]] = matched.expand(step["replacement"].replace("$1", r"\1"))
        found[endpoint["port"]] = labels["job"]
    return found


def test_prometheus_takes_every_page_of_metrics_under_the_name_of_what_runs():
    [monitor] = of_kind("production", "PodMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert all(wanted <= pod.labels.items() for pod in our_pods("production"))
    assert {pod.part: jobs_of(monitor, pod) for pod in our_pods("production")} == {
        "worker": {"metrics": "vigil-worker"},
        "gateway": {"metrics": "vigil-gateway"},
        "board": {"metrics": "vigil-board"},
        "deliver": {"metrics": "vigil-delivery", "channels": "vigil-channels"},
        "history": {"metrics": "vigil-history"},
        "watch": {},
    }
