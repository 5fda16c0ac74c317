"""Fixtures for tests that need what a checkout does not bring: Apache Kafka itself, recordings of real patients."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from streams.engine import prepare_ahead

if TYPE_CHECKING:
    from mosquitto_world import Mosquitto

    from edge.brokers.cluster import KafkaCluster


# Another process that takes the machine for 200 ms, Hypothesis' deadline, is no fault of the code.
settings.register_profile("vigil", deadline=None)
settings.load_profile("vigil")

# A shell has its background jobs ignore Ctrl-C, and what they start inherits that: tests would wait in vain.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What is made while tests are found stays to the end: looking for garbage among it took half of that time in each
# process, and goes on with every test until it is frozen.
gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Leave what is there by now out of every later look for garbage."""
    gc.freeze()
    gc.enable()


WAITING = Path(__file__).parent / "flows"
"""Tests of real workers on a broker: most of their time they wait, while those of other files compute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread the files that wait over the first three quarters of all, so that both kinds run beside each other.

    They are the longest: none of them should begin when the others are through.
    """
    files = dict.fromkeys(item.path for item in items)
    place: dict[Path, float] = {}
    for waits, share in ((True, 0.75), (False, 1.0)):
        same = [file for file in files if (WAITING in file.parents) is waits]
        place |= {file: share * rank / len(same) for rank, file in enumerate(same)}
    items.sort(key=lambda item: (place[item.path], item.path))


@pytest.fixture(scope="session", autouse=True)
def _kernels() -> None:
    """Compile once for all tests and the workers that they start."""
    prepare_ahead()


def _need(program: str, reason: str) -> None:
    """Skip where a program is not on the PATH, and fail in continuous integration, which should prove something."""
    if shutil.which(program) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        # Nobody has to install it to change something else: the tests that need none of it still say something.
        pytest.skip(reason)


@pytest.fixture(scope="session")
def recordings() -> Callable[[str], list[Path]]:
    """Return the files of a pattern in the folder of recordings, and skip where they are not."""
    folder = Path(os.environ.get("VIGIL_DATA") or Path(__file__).parents[2] / "shared" / "data")

    def files(pattern: str) -> list[Path]:
        paths = sorted(folder.glob(pattern))
        if not paths:
            # Also in continuous integration: recordings of patients are large, and not ours to give away.
            pytest.skip(
                f"needs recordings of real patients: set VIGIL_DATA to the folder that holds {pattern}"
            )
        return paths

    return files


@pytest.fixture(scope="session")
def needs_java() -> None:
    """Skip where Kafka cannot run."""
    _need("java", "Apache Kafka needs Java 17 or newer on the PATH")


@pytest.fixture(scope="session")
def needs_maven() -> None:
    """Skip where clients in Java cannot be fetched."""
    _need("mvn", "clients in Java are fetched by Maven, which must be on the PATH")


@pytest.fixture(scope="session")
def needs_openssl() -> None:
    """Skip where no certificates can be made."""
    _need("openssl", "certificates are made with openssl")


@pytest.fixture(scope="session")
def needs_curl() -> None:
    """Skip where there is no curl."""
    _need("curl", "requests are made with curl, as a first device's are")


@pytest.fixture(scope="session")
def needs_alertmanager() -> None:
    """Skip where there is no Alertmanager; Debian calls the program otherwise than its makers do."""
    if shutil.which("alertmanager") is None:
        _need(
            "prometheus-alertmanager", "Prometheus Alertmanager (Debian: prometheus-alertmanager) on the PATH"
        )


@pytest.fixture(scope="session")
def needs_amtool() -> None:
    """Skip where Alertmanager's own checker is missing."""
    _need(
        "amtool", "the shipped configuration is checked with Alertmanager's amtool, which must be on the PATH"
    )


@pytest.fixture(scope="session")
def needs_promtool() -> None:
    """Skip where Prometheus' own checker is missing."""
    _need("promtool", "alerting rules are tested with Prometheus' promtool (Debian: prometheus) on the PATH")


@pytest.fixture(scope="session")
def needs_postgres() -> None:
    """Skip where there is no PostgreSQL; Debian keeps its programs off the PATH."""
    if not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        _need("initdb", "PostgreSQL: initdb is neither on the PATH nor in /usr/lib/postgresql")


@pytest.fixture(scope="session")
def needs_mosquitto() -> None:
    """Skip where there is no MQTT broker; Debian keeps it off the PATH of who is not root."""
    if not Path("/usr/sbin/mosquitto").exists():
        _need("mosquitto", "MQTT needs mosquitto on the PATH (Debian: mosquitto)")
    _need("mosquitto_pub", "MQTT needs mosquitto_pub on the PATH (Debian: mosquitto-clients)")


@pytest.fixture
def mosquitto(needs_mosquitto: None, tmp_path: Path) -> Iterator[Mosquitto]:
    """A real MQTT broker, with nothing in it."""
    from mosquitto_world import Mosquitto

    found = Mosquitto(tmp_path)
    yield found
    found.stop()


@pytest.fixture(scope="session")
def needs_chromium() -> None:
    """Skip where there is no browser."""
    _need("chromium", "the board's pages are tested in Chromium, which must be on the PATH")


@pytest.fixture(scope="session")
def needs_node() -> None:
    """Skip where JavaScript clients cannot run."""
    _need("node", "@medplum/hl7 needs Node 20 or newer on the PATH")
    _need("npm", "@medplum/hl7 is installed with npm, which must be on the PATH")


@pytest.fixture(scope="session")
def kafka(needs_java: None) -> Iterator[KafkaCluster]:
    """One node, shared by the whole session: use topic and group names of your own."""

    from edge.brokers.cluster import KafkaCluster

    with KafkaCluster(nodes=1) as cluster:
        yield cluster


@pytest.fixture
def start_kafka(needs_java: None) -> Iterator[Callable[[int], KafkaCluster]]:
    """Start clusters of this test's own: `start_kafka(3)`; they are stopped after the test."""

    from edge.brokers.cluster import KafkaCluster

    started: list[KafkaCluster] = []

    def start(nodes: int = 3) -> KafkaCluster:
        cluster = KafkaCluster(nodes)
        started.append(cluster)
        return cluster.start()

    yield start
    for cluster in started:
        cluster.stop()
