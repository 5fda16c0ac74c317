import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import waiting
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient, KafkaConsumer

import edge.brokers.cluster
from edge.brokers import background as kafka_background
from edge.brokers.cluster import KafkaCluster, free_ports
from edge.brokers.jars import jars
from streams.errors import UsageError, VigilError

DEADLINE_S = 60.0

wait_until = partial(waiting.wait_until, deadline_s=DEADLINE_S)

TIMEOUT_MS = 20_000
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.kafka


def alive(pid: int) -> bool:
    try:
        return "(java)" in Path(f"/proc/{pid}/stat").read_text() and not is_zombie(pid)
    except FileNotFoundError:
        return False


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def create_topic(kafka: KafkaCluster, name: str, partitions: int, copies: int) -> None:
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap.split(","))) as admin:
        admin.create_topics({name: {"num_partitions": partitions, "replication_factor": copies}})
        admin.wait_for_topics([name], timeout_ms=TIMEOUT_MS)


# aiokafka, because kafka-python 3.0.12 never closes the socket of a connection that a dead node refused.
def send(kafka: KafkaCluster, topic: str, values: list[bytes]) -> None:
    async def run() -> None:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
            for value in values:
                await producer.send_and_wait(topic, value)

    asyncio.run(asyncio.wait_for(run(), TIMEOUT_MS / 1000))


def read(kafka: KafkaCluster, topic: str, count: int) -> list[bytes]:
    async def run() -> list[bytes]:
        async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as consumer:
            consumer.assign([TopicPartition(topic, 0)])
            await consumer.seek_to_beginning()
            return [(await consumer.getone()).value for _ in range(count)]

    return asyncio.run(asyncio.wait_for(run(), TIMEOUT_MS / 1000))


def test_one_node_keeps_what_is_sent_to_it(kafka: KafkaCluster) -> None:
    create_topic(kafka, "kept", 1, 1)
    send(kafka, "kept", [b"a", b"b"])
    assert read(kafka, "kept", 2) == [b"a", b"b"]


def test_topics_are_not_created_by_asking_for_them(kafka: KafkaCluster) -> None:
    with closing(KafkaConsumer(bootstrap_servers=kafka.bootstrap)) as consumer:
        assert not consumer.partitions_for_topic("never-created")
        assert "never-created" not in consumer.topics()


def test_it_listens_on_loopback_only(kafka: KafkaCluster) -> None:
    home = kafka.home
    assert home is not None
    settings = (home / "node-1" / "server.properties").read_text()
    listening = next(line for line in settings.splitlines() if line.startswith("listeners="))
    assert listening.count("://127.0.0.1:") == listening.count("://") == 2


def test_a_second_start_is_refused(kafka: KafkaCluster) -> None:
    with pytest.raises(VigilError, match="started already"):
        kafka.start()


def test_only_one_or_three_nodes_are_offered() -> None:
    with pytest.raises(UsageError, match="1 or 3, not 2"):
        KafkaCluster(nodes=2)


def test_three_nodes_lose_no_acknowledged_record_when_one_is_killed_and_comes_back(
    start_kafka: Callable[[int], KafkaCluster],
) -> None:
    kafka = start_kafka(3)
    assert len(kafka.pids) == 3
    create_topic(kafka, "copied", 1, 3)
    send(kafka, "copied", [b"before"])
    kafka.kill(2)
    assert len(kafka.pids) == 2
    send(kafka, "copied", [b"during"])
    kafka.restart(2)
    with pytest.raises(VigilError, match="node 2 of this Kafka runs"):
        kafka.restart(2)
    send(kafka, "copied", [b"after"])
    assert read(kafka, "copied", 3) == [b"before", b"during", b"after"]


def test_stop_leaves_no_process_and_no_data() -> None:
    with KafkaCluster() as kafka:
        home, pids = kafka.home, kafka.pids
        assert home is not None
        assert home.is_dir()
    assert not home.exists()
    assert not any(alive(pid) for pid in pids)
    kafka.stop()


def test_a_port_that_was_taken_meanwhile_is_replaced_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(0)
        offers = iter([[taken.getsockname()[1], *free_ports(1)]])
        monkeypatch.setattr(
            edge.brokers.cluster, "free_ports", lambda count: next(offers, None) or free_ports(count)
        )
        with KafkaCluster() as kafka:
            assert not kafka.bootstrap.endswith(f":{taken.getsockname()[1]}")


def test_a_configuration_that_kafka_refuses_is_reported_in_its_own_words() -> None:
    kafka = KafkaCluster(extra={"num.partitions": "many"})
    with pytest.raises(VigilError, match=r"many.*num\.partitions"):
        kafka.start()
    assert kafka.home is None


def test_it_dies_with_the_process_that_started_it() -> None:
    script = (
        "import time\nfrom edge.brokers.cluster import KafkaCluster\n"
        "kafka = KafkaCluster().start()\nprint(kafka.pids[0], kafka.home, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, home = parent.stdout.readline().split()
        try:
            assert alive(int(pid))
            parent.kill()
            wait_until(lambda: not alive(int(pid)), "the node ends with its parent")
        finally:
            parent.kill()
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def cache_of_its_own(tmp_path: Path) -> Iterator[Path]:
    """A cache with the jars that are there already, so that a Kafka in the background is left alone."""
    library = jars()
    (tmp_path / library.name).symlink_to(library)
    yield tmp_path
    kafka_background.stop_background(tmp_path)


def background(cache: Path, action: str) -> subprocess.CompletedProcess[str]:
    """Run one step in a process of its own, as the command line does."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom edge.brokers import background\n"
        f"print(background.{action}(*map(eval, sys.argv[2:]), cache=Path(sys.argv[1])))"
    )
    arguments = ["1"] if action == "start_background" else []
    return subprocess.run(
        [sys.executable, "-c", script, str(cache), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
    )


def test_a_background_kafka_outlives_its_starter_and_is_stopped_by_another_process(
    cache_of_its_own: Path,
) -> None:
    assert kafka_background.running(cache_of_its_own) is None
    started = background(cache_of_its_own, "start_background")
    assert started.returncode == 0, started.stderr
    present = kafka_background.running(cache_of_its_own)
    assert present is not None
    assert present.alive()
    assert "runs already" in background(cache_of_its_own, "start_background").stderr
    assert background(cache_of_its_own, "stop_background").returncode == 0
    assert kafka_background.running(cache_of_its_own) is None
    assert not Path(present.home).exists()
    assert not any(alive(pid) for pid in present.pids)


def test_a_background_kafka_that_crashed_does_not_block_the_next_one(cache_of_its_own: Path) -> None:
    background(cache_of_its_own, "start_background")
    crashed = kafka_background.running(cache_of_its_own)
    assert crashed is not None
    os.kill(crashed.pids[0], signal.SIGKILL)
    wait_until(lambda: kafka_background.running(cache_of_its_own) is None, "the crash is seen")
    assert background(cache_of_its_own, "start_background").returncode == 0
    assert not Path(crashed.home).exists()
    assert kafka_background.stop_background(cache_of_its_own) is not None
