"""TLS and accounts against Apache Kafka itself: what is let in, and what a wrong setting says."""

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from secure_kafka import PASSWORD, secure_kafka

from edge.brokers.embedded import free_port
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.errors import BrokerUnreachable
from streams.kafka.connect import connect_admin

ROOT = Path(__file__).resolve().parents[2]
COMMAND_S_MAX = 30.0
FLOW_S_MAX = 60.0

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def listeners(tmp_path_factory, needs_java, needs_openssl):
    with secure_kafka(tmp_path_factory.mktemp("secure")) as running:
        yield running


def refused(settings, wait_s=8.0):
    """Return the one line that says why the broker lets nobody in."""
    with pytest.raises(BrokerUnreachable) as error:
        connect_admin(settings, wait_s)
    assert PASSWORD not in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_an_account_and_a_certificate_are_let_in(listeners):
    for settings in (listeners.with_account(), listeners.with_certificate()):
        admin = connect_admin(settings)
        assert admin.describe_cluster()["brokers"]
        admin.close()


def test_a_password_file_serves_as_well(listeners, tmp_path):
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    connect_admin(listeners.with_account(sasl_password=None, sasl_password_file=secret)).close()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sasl_password": "wrong"}, "the account vigil-test was refused: wrong name or password"),
        ({"sasl_username": "nobody"}, "the account nobody was refused: wrong name or password"),
        ({"sasl_mechanism": "PLAIN"}, "it offers SCRAM-SHA-512, not PLAIN"),
    ],
    ids=["wrong password", "unknown name", "wrong mechanism"],
)
def test_a_wrong_account_is_told_at_once(listeners, changes, said):
    started_s = time.monotonic()
    assert said in refused(listeners.with_account(**changes), wait_s=20.0)
    assert time.monotonic() - started_s < 10


def test_an_authority_that_did_not_sign_the_broker_is_told_at_once(listeners):
    other = listeners.folder / "other-ca.pem"
    assert "its certificate is not trusted" in refused(listeners.with_account(ssl_cafile=other), wait_s=20.0)


def test_a_broker_under_another_name_is_not_trusted(listeners):
    settings = listeners.with_account(brokers=listeners.account.replace("127.0.0.1", "localhost"))
    assert "its certificate is not trusted: hostname mismatch" in refused(settings, wait_s=20.0)


def test_plain_text_to_a_tls_listener_is_told(listeners):
    assert "it speaks TLS" in refused(Settings(brokers=listeners.account), wait_s=20.0)


def test_tls_to_a_plain_listener_is_told(listeners):
    assert "does it speak TLS?" in refused(listeners.with_account(brokers=listeners.plain))


def test_a_listener_that_wants_a_certificate_says_so(listeners):
    assert "certificate" in refused(listeners.with_certificate(ssl_certfile=None))


def start_worker(settings):
    given = settings.model_copy(update={"metrics_port": free_port(), "connect_wait_s": 8.0})
    return subprocess.run(
        [sys.executable, "-Pm", "agents"],
        env=worker_environment(given),
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        check=False,
    )


@pytest.mark.parametrize("mistake", ["password", "authority", "plain text"])
def test_a_worker_with_wrong_security_says_one_line_and_ends_with_code_3(listeners, mistake):
    settings = {
        "password": listeners.with_account(sasl_password="wrong-secret"),
        "authority": listeners.with_account(ssl_cafile=listeners.folder / "other-ca.pem"),
        "plain text": Settings(brokers=listeners.account, data_dir=listeners.folder),
    }[mistake]
    ended = start_worker(settings)
    assert ended.returncode == 3
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("vigil: no broker at ")
    assert "wrong-secret" not in ended.stderr


def vigil(settings, *arguments):
    return subprocess.run(
        [sys.executable, "-Pm", "edge", *arguments],
        env=worker_environment(settings),
        capture_output=True,
        text=True,
        timeout=FLOW_S_MAX,
        check=False,
    )


@pytest.mark.parametrize("kind", ["with_account", "with_certificate"])
def test_topics_worker_simulator_alerts_and_doctor_all_work_over_tls(listeners, kind, tmp_path):
    name = uuid.uuid4().hex[:8]
    settings = getattr(listeners, kind)(
        topic_prefix=f"{name}.", group=name, partitions=2, metrics_port=0, data_dir=tmp_path
    )
    applied = vigil(settings, "topics", "apply")
    assert applied.returncode == 0, applied.stderr
    with subprocess.Popen(
        [sys.executable, "-Pm", "agents"],
        env=worker_environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            sent = vigil(settings, "simulate", "--beds", "40", "--seconds", "8", "--json")
            assert sent.returncode == 0, sent.stderr
            assert json.loads(sent.stdout.splitlines()[-1])["acknowledged"] > 0
            end_s = time.monotonic() + FLOW_S_MAX
            while not (found := vigil(settings, "alerts", "--json").stdout):
                assert time.monotonic() < end_s, "no alert"
            assert json.loads(found.splitlines()[0])["id"]
            checked = vigil(settings, "doctor", "--json")
            assert PASSWORD not in checked.stdout + checked.stderr
            results = {check["name"]: check["result"] for check in json.loads(checked.stdout)["checks"]}
            assert results["broker"] == results["topics"] == results["clock"] == "ok"
        finally:
            worker.terminate()
            said = worker.communicate(timeout=FLOW_S_MAX)[1]
    assert worker.returncode == 0, said
    assert PASSWORD not in said
