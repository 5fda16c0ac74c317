"""Production's parts on a real Kafka over TLS, each with its account, its certificates and its files as secrets."""

import signal
import socket
import ssl
import urllib.error
import urllib.request
from contextlib import closing

import pytest
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion
from kubernetes_pods import our_pods
from kubernetes_site import PORTS, SETTLED_S, Site, image, needs_root
from secure_kafka import secure_kafka

from streams.config.settings import Settings
from streams.kafka.admin import apply_topics
from streams.kafka.connect import connect_admin

pytestmark = [pytest.mark.kafka, needs_root]
__all__ = ["image"]

PARTITIONS = 4
ROUTING = '[receivers.desk]\nchannels = ["board"]\n[[route]]\nname = "all"\n[[route.step]]\nto = ["desk"]\n'
SECRET = "0123456789abcdef" * 4


@pytest.fixture
def site(image, tmp_path, needs_java, needs_openssl):
    """Production with the secrets of docs/kubernetes.md, on one node, so with one copy of each topic."""
    (tmp_path / "kafka").mkdir()
    with secure_kafka(tmp_path / "kafka") as listeners:
        apply_topics(Settings(brokers=listeners.plain, partitions=PARTITIONS))
        (tmp_path / "site").mkdir(mode=0o755)
        site = Site(
            *("production", image, tmp_path / "site"),
            VIGIL_BROKERS=listeners.account,
            VIGIL_PARTITIONS=str(PARTITIONS),
            VIGIL_REPLICATION="1",
        )
        accounts = {pod.settings.sasl_username: f"of {pod.part}" for pod in our_pods("production")}
        with closing(connect_admin(Settings(brokers=listeners.plain))) as admin:
            admin.alter_user_scram_credentials(
                [
                    UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password.encode())
                    for name, password in accounts.items()
                ]
            )
        for name, password in accounts.items():
            site.keep(name, {"password": password})
        pem = {name: (listeners.folder / name).read_text() for name in ("ca.pem", "server.crt", "server.key")}
        site.keep("vigil-cluster-ca-cert", {"ca.crt": pem["ca.pem"]})
        site.keep("vigil-command-key", {"key": SECRET})
        site.keep("vigil-gateway-site", {"patient-key": SECRET})
        for name in ("vigil-gateway-tls", "vigil-board-tls"):
            site.keep(name, {"tls.crt": pem["server.crt"], "tls.key": pem["server.key"]})
        site.keep("vigil-routing", {"routing.toml": ROUTING})
        yield site
        site.end()


def answers_over_tls(port, path):
    """Tell whether a port answers as it should; whose certificate it is, a kubelet does not ask either."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(
            f"https://127.0.0.1:{port}{path}", timeout=5.0, context=context
        ) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5.0).close()
    except OSError:
        return False
    return True


def test_every_part_of_production_starts_with_its_secrets_works_and_ends_in_order(site):
    running = {pod.part: site.start(pod.part) for pod in our_pods("production")}
    for part in PORTS:
        running[part].wait_alive()
    worker, gateway, board = (running[part] for part in ("worker", "gateway", "board"))
    worker.wait_until(worker.is_ready, "is ready")
    asked = gateway.pod.container["readinessProbe"]["httpGet"]
    assert asked["scheme"] == "HTTPS"
    gateway.wait_until(lambda: answers_over_tls(gateway.port("GATEWAY_HTTP_PORT"), asked["path"]), "is ready")
    board.wait_until(lambda: listens(board.port("BOARD_PORT")), "is ready")
    # What ends first is missed by who watches: so that one was let in, too.
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(SETTLED_S) == 0, worker.said
    watch = running.pop("watch")
    watch.wait_until(
        lambda: watch.said.count("monitoring lost") == watch.said.count("monitoring back") + PARTITIONS,
        "misses the worker",
    )
    watch.process.send_signal(signal.SIGTERM)
    assert watch.process.wait(SETTLED_S) == 128 + signal.SIGTERM, watch.said
    for one in running.values():
        one.process.send_signal(signal.SIGTERM)
    for one in running.values():
        assert one.process.wait(SETTLED_S) == 0, one.said
    # A gateway that may not file anew goes on without it, and says so again and again.
    assert "re-filing waits" not in gateway.said, gateway.said
