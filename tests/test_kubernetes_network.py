"""Who reaches whom on Kubernetes: what each part must reach is allowed, and nothing else; Services lead somewhere."""

from dataclasses import dataclass

import pytest
from kubernetes_pods import OVERLAYS, of_kind, our_pods, pod_of, pods

DNS = 53
HTTPS, SUBMISSION = 443, 587


@dataclass(frozen=True)
class Side:
    """One end of a connection: a pod's labels in a namespace; both None = somewhere outside."""

    labels: tuple = None
    namespace: str = None


OUTSIDE = Side()
PROMETHEUS = Side((), "monitoring")
NAMES = Side((), "kube-system")
STRANGER = Side((("app", "other"),), "other")
STRIMZI = Side((("strimzi.io/cluster", "vigil"), ("strimzi.io/kind", "Kafka")), "vigil")


def side_of(pod):
    return Side(tuple(pod.labels.items()), "vigil")


def matches(selector, labels):
    assert selector.keys() <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= dict(labels).items()


def is_peer(peer, other):
    """Tell whether a `from` or `to` of a policy in our namespace means the other side."""
    assert peer.keys() <= {"podSelector", "namespaceSelector"}, peer
    if other.namespace is None:
        return False
    if "namespaceSelector" in peer:
        in_namespace = matches(peer["namespaceSelector"], (("kubernetes.io/metadata.name", other.namespace),))
    else:
        in_namespace = other.namespace == "vigil"
    return in_namespace and matches(peer.get("podSelector", {}), other.labels)


def is_port(said, port, protocol):
    return said.get("protocol", "TCP") == protocol and said["port"] <= port <= said.get(
        "endPort", said["port"]
    )


def lets(overlay, direction, pod, other, port, protocol):
    """Tell whether the policies let a pod's connections of a direction pass; without a policy all may."""
    way, peers = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}[direction]
    policies = [
        one["spec"]
        for one in of_kind(overlay, "NetworkPolicy")
        if direction in one["spec"]["policyTypes"] and matches(one["spec"]["podSelector"], pod.labels)
    ]
    rules = [rule for policy in policies for rule in policy.get(way, [])]
    return not policies or any(
        (not rule.get(peers) or any(is_peer(peer, other) for peer in rule[peers]))
        and (not rule.get("ports") or any(is_port(said, port, protocol) for said in rule["ports"]))
        for rule in rules
    )


def reaches(overlay, source, target, port, protocol="TCP"):
    """Tell whether a part (its name) or a side reaches another one's port."""
    ends = [pod_of(overlay, one) if isinstance(one, str) else one for one in (source, target)]
    sides = [one if isinstance(one, Side) else side_of(one) for one in ends]
    out = isinstance(ends[0], Side) or lets(overlay, "Egress", sides[0], sides[1], port, protocol)
    into = isinstance(ends[1], Side) or lets(overlay, "Ingress", sides[1], sides[0], port, protocol)
    return out and into


def brokers(overlay):
    """Return the side and port of the brokers that the settings name."""
    [server] = pod_of(overlay, "worker").settings.bootstrap
    host, port = server.split(":")
    if overlay == "trial":
        [kafka] = [pod for pod in pods(overlay) if not pod.is_ours]
        assert host in [one["metadata"]["name"] for one in of_kind(overlay, "Service")]
        assert int(port) in kafka.ports.values()
        return kafka, int(port)
    assert host == "vigil-kafka-bootstrap"  # as Strimzi calls the Service of a cluster `vigil`
    return STRIMZI, int(port)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_one_policy_by_itself_closes_every_pod_of_ours_both_ways(overlay):
    policies = [one["spec"] for one in of_kind(overlay, "NetworkPolicy")]
    closing = [one for one in policies if one.keys() == {"podSelector", "policyTypes"}]
    assert [one["policyTypes"] for one in closing] == [["Ingress", "Egress"]]
    assert all(matches(closing[0]["podSelector"], pod.labels.items()) for pod in our_pods(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_part_reaches_the_brokers_and_finds_their_names(overlay):
    kafka, port = brokers(overlay)
    for pod in our_pods(overlay):
        assert reaches(overlay, pod.part, kafka, port), pod.part
        assert all(reaches(overlay, pod.part, NAMES, DNS, protocol) for protocol in ("UDP", "TCP")), pod.part


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_prometheus_reaches_every_page_of_metrics_and_nobody_else_does(overlay):
    for pod in our_pods(overlay):
        for name, port in pod.ports.items():
            if name in ("metrics", "channels"):
                assert reaches(overlay, PROMETHEUS, pod.part, port)
                assert not reaches(overlay, STRANGER, pod.part, port)
                assert not reaches(overlay, OUTSIDE, pod.part, port)
            else:
                assert not reaches(overlay, PROMETHEUS, pod.part, port) or name == "http"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_boards_alone_ask_workers_for_live_windows(overlay):
    port = pod_of(overlay, "worker").ports["windows"]
    assert [pod.part for pod in our_pods(overlay) if reaches(overlay, pod.part, "worker", port)] == ["board"]
    assert not reaches(overlay, STRANGER, "worker", port)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_devices_and_browsers_come_in_at_one_port_each(overlay):
    for part in ("gateway", "board"):
        assert reaches(overlay, OUTSIDE, part, pod_of(overlay, part).ports["http"])
        assert not reaches(overlay, OUTSIDE, part, 22)
    for part in ("worker", "deliver", "history", "watch"):
        assert not any(reaches(overlay, OUTSIDE, part, port) for port in (22, 8470, 8480))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_delivery_alone_gets_out_and_by_https_and_mail_only(overlay):
    assert [pod.part for pod in our_pods(overlay) if reaches(overlay, pod.part, OUTSIDE, HTTPS)] == [
        "deliver"
    ]
    assert reaches(overlay, "deliver", OUTSIDE, SUBMISSION)
    assert not any(reaches(overlay, pod.part, OUTSIDE, 80) for pod in our_pods(overlay))


def test_the_trials_kafka_hears_nobody_but_ours():
    kafka, port = brokers("trial")
    assert not reaches("trial", STRANGER, kafka, port)
    assert not reaches("trial", OUTSIDE, kafka, port)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_service_leads_to_pods_that_have_its_port(overlay):
    for service in of_kind(overlay, "Service"):
        found = [
            pod
            for pod in pods(overlay)
            if matches({"matchLabels": service["spec"]["selector"]}, pod.labels.items())
        ]
        assert len(found) == 1, service["metadata"]["name"]
        assert {one["targetPort"] for one in service["spec"]["ports"]} <= found[0].ports.keys()


def test_a_browser_stays_with_the_board_that_knows_its_sign_in():
    [board] = [one for one in of_kind("production", "Service") if one["metadata"]["name"] == "vigil-board"]
    assert board["spec"]["sessionAffinity"] == "ClientIP"
    lasts_s = board["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"]
    assert lasts_s >= pod_of("production", "board").settings.session_age_s
    assert lasts_s <= 86_400  # the most that Kubernetes takes


def test_whoever_comes_from_outside_comes_over_tls_and_says_who_it_is():
    board, gateway = (pod_of("production", part).settings for part in ("board", "gateway"))
    assert board.board_tls_certfile is not None
    assert board.public_url.startswith("https://")
    assert board.accounts is not None
    assert gateway.gateway_tls_certfile is not None
    assert gateway.gateway_clients is not None
    assert gateway.gateway_patient_key_file is not None
    for overlay in OVERLAYS:
        outside = {
            one["metadata"]["name"]: one["spec"]
            for one in of_kind(overlay, "Service")
            if "type" in one["spec"]
        }
        assert outside.keys() == (set() if overlay == "trial" else {"vigil-gateway", "vigil-board"})
        for spec in outside.values():
            # The sender's own address stays: by it tries at signing in are counted, and senders of HL7 known.
            assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")


def test_production_speaks_tls_to_the_brokers_with_an_account_for_each_part():
    for pod in our_pods("production"):
        assert pod.settings.security_protocol == "SASL_SSL"
        assert pod.settings.sasl_username == f"vigil-{pod.part}"
        assert pod.settings.ssl_cafile is not None
    assert all(pod.settings.security_protocol == "PLAINTEXT" for pod in our_pods("trial"))
