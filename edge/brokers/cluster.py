"""Apache Kafka itself without Docker: one node, or a cluster of three, on loopback with temporary data.

For tests, benchmarks and fault drills; not for patients. `vigil kafka start` keeps one in the background.

    with KafkaCluster(nodes=3) as kafka:
        kafka.bootstrap          # '127.0.0.1:21001,127.0.0.1:21003,127.0.0.1:21005'
        kafka.kill(2)            # as a crash would
        kafka.restart(2)         # same address, same data
"""

import base64
import random
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from edge.brokers.jars import CACHE, find_java, jars
from edge.brokers.node import (
    ADDRESS_TAKEN,
    CLEAN_STOP_TIMEOUT_S,
    LOOPBACK,
    STOP_TIMEOUT_S,
    KafkaNode,
    NodeAddress,
    properties,
)
from streams.errors import BrokerUnreachable, UsageError, VigilError

HOME_PREFIX: Final = "vigil-kafka-"
NODES_ALLOWED: Final = (1, 3)
READY_TIMEOUT_S: Final = 90.0
"""For a cluster of three on a busy machine; one node is usually ready in four seconds."""
READY_POLL_S: Final = 0.1
PROBE_TIMEOUT_MS: Final = 3_000
START_ATTEMPTS: Final = 3
PORT_LOW: Final = 20_000
PORT_HIGH: Final = 32_000
"""Below the range from which Linux takes ports of outgoing connections: a node that restarts finds its port
free, and no client can connect to itself while the node is away."""
PORT_TRIES_MAX: Final = 1_000


class KafkaCluster:
    """A local cluster: `start`, `stop`, or use it as a context manager.

    Args:
        nodes: 1, or 3 (every topic, internal ones too, in three copies of which two must acknowledge).
        extra: server properties that win over the defaults, for every node.
        detached: the nodes outlive this process; otherwise they are tethered to the thread that starts them.
        cache: where the jars are kept.
        advertise: given the host:port at which a node listens, returns the one that clients and other nodes are
            told, for example that of a proxy in front of it; asked once a node and side, before the node starts.
        sides: names of further listeners of every node. A client that is given `bootstrap_of(side)` is told the
            addresses of that side only, so that a network can be another one for it than for others.
        data_of: given a node (from 1), returns the folder in which it keeps its data; else one in `home`.
        environment_of: given a node, returns the whole environment of its process; else it is ours.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        extra: Mapping[str, str] | None = None,
        detached: bool = False,
        cache: Path = CACHE,
        advertise: Callable[[str], str] | None = None,
        sides: Sequence[str] = (),
        data_of: Callable[[int], Path] | None = None,
        environment_of: Callable[[int], Mapping[str, str]] | None = None,
    ):
        if nodes not in NODES_ALLOWED:
            raise UsageError(f"nodes: 1 or 3, not {nodes}")
        self.nodes = nodes
        self.home: Path | None = None
        self._extra = dict(extra or {})
        self._detached = detached
        self._cache = cache
        self._advertise = advertise or str
        self._sides = tuple(sides)
        self._data_of = data_of
        self._environment_of = environment_of
        self._advertised: dict[str, str] = {}
        self._members: dict[int, KafkaNode] = {}

    @property
    def bootstrap(self) -> str:
        """Bootstrap servers of all nodes as clients are told, host:port[,host:port]."""
        return ",".join(self._advertised[self.address(node)] for node in self._members)

    def bootstrap_of(self, side: str) -> str:
        """Bootstrap servers of all nodes as clients of one side are told."""
        return ",".join(self._advertised[self.address(node, side)] for node in self._members)

    @property
    def pids(self) -> list[int]:
        """Process ids of the nodes that have been started and not killed."""
        return [member.process.pid for member in self._members.values() if member.process is not None]

    def address(self, node: int, side: str | None = None) -> str:
        """Return host:port at which one node (from 1) listens, on one of its `sides` if that is named."""
        found = self._members[node].address
        return f"{LOOPBACK}:{found.port if side is None else dict(found.sides)[side]}"

    def addresses(self, node: int) -> list[str]:
        """Return every host:port at which one node (from 1) listens to clients."""
        return [self.address(node), *(self.address(node, side) for side in self._sides)]

    def pid(self, node: int) -> int | None:
        """Return the process id of one node (from 1), None when it has ended, by itself or not."""
        process = self._members[node].process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> Self:
        """Start every node and wait until all of them serve.

        Raises:
            VigilError: Java or Maven is missing, or a node ended by itself.
            BrokerUnreachable: not ready within `READY_TIMEOUT_S`.
        """
        if self._members:
            raise VigilError("this Kafka has been started already")
        java, library = find_java(), jars(self._cache)
        for attempt in range(1, START_ATTEMPTS + 1):
            self.home = Path(tempfile.mkdtemp(prefix=HOME_PREFIX))
            try:
                self._launch(java, library, self.home)
                return self
            except BaseException as error:
                self.stop()
                # Between choosing a port and listening on it somebody else may take it: choose again.
                if attempt == START_ATTEMPTS or ADDRESS_TAKEN not in str(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def stop(self) -> None:
        """Stop every node and remove the data; does nothing when nothing runs."""
        for member in self._members.values():
            member.ask_to_stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for member in self._members.values():
            member.stopped(deadline - time.monotonic())
        self._members.clear()
        self._advertised.clear()
        if self.home is not None:
            shutil.rmtree(self.home, ignore_errors=True)
            self.home = None

    def kill(self, node: int) -> None:
        """Kill one node (from 1) with SIGKILL, as a crash would; its data stays."""
        self._members[node].kill()

    def terminate(self, node: int) -> None:
        """Stop one node (from 1) in order: it hands its leaderships over first; its data stays."""
        self._members[node].ask_to_stop()
        self._members[node].stopped(CLEAN_STOP_TIMEOUT_S)

    def restart(self, *nodes: int) -> None:
        """Start stopped nodes again on their own address and data, and wait until all running nodes serve.

        Raises:
            VigilError: one of them runs, or one ended by itself.
            BrokerUnreachable: not ready within `READY_TIMEOUT_S`.
        """
        for node in nodes:
            if self.pid(node) is not None:
                raise VigilError(f"node {node} of this Kafka runs")
        for node in nodes:  # all at once: most of them must be there before any serves
            self._members[node].launch(self._detached)
        self._wait_ready()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _launch(self, java: str, library: Path, home: Path) -> None:
        each = 2 + len(self._sides)
        ports = iter(free_ports(each * self.nodes))
        quorum = [
            NodeAddress(n, next(ports), next(ports), tuple((side, next(ports)) for side in self._sides))
            for n in range(1, self.nodes + 1)
        ]
        for address in quorum:
            folder = home / f"node-{address.node}"
            data = self._data_of(address.node) if self._data_of else folder / "data"
            told = {"advertised.listeners": self._tell(address)}
            settings = properties(address, quorum, data, told | self._extra)
            environment = self._environment_of(address.node) if self._environment_of else None
            self._members[address.node] = KafkaNode(java, library, folder, address, settings, environment)
        cluster_id = _cluster_id()
        with ThreadPoolExecutor(self.nodes) as pool:
            list(pool.map(lambda member: member.format(cluster_id), self._members.values()))
        for member in self._members.values():
            member.launch(self._detached)
        self._wait_ready()

    def _tell(self, address: NodeAddress) -> str:
        """Note which address clients are told for each at which a node listens; return its advertised listeners."""
        told = []
        for name, port in (("PLAINTEXT", address.port), *address.sides):
            self._advertised[f"{LOOPBACK}:{port}"] = self._advertise(f"{LOOPBACK}:{port}")
            told.append(f"{name}://{self._advertised[f'{LOOPBACK}:{port}']}")
        return ",".join(told)

    def _wait_ready(self) -> None:
        """Wait until every running node is named by every running node."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        running = {node: member for node, member in self._members.items() if member.process is not None}
        for node in running:
            while not set(running) <= _brokers_seen_by(self.address(node)):
                for member in running.values():
                    if (said := member.exited()) is not None:
                        raise VigilError(f"node {member.address.node} of Kafka ended by itself: {said}")
                if time.monotonic() > deadline:
                    raise BrokerUnreachable(
                        f"Kafka at {self.bootstrap} was not ready in {READY_TIMEOUT_S:.0f} s"
                    )
                time.sleep(READY_POLL_S)


KafkaServer = KafkaCluster
"""The usual case, a cluster of one node."""


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that are free on loopback now."""
    ports: list[int] = []
    for _ in range(PORT_TRIES_MAX):
        if len(ports) == count:
            return ports
        port = random.randrange(PORT_LOW, PORT_HIGH)
        if port not in ports and _is_free(port):
            ports.append(port)
    raise VigilError(f"no {count} free ports between {PORT_LOW} and {PORT_HIGH}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _brokers_seen_by(address: str) -> set[int]:
    """Return the ids of the brokers that the node at `address` takes for alive; empty without an answer."""
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), PROBE_TIMEOUT_MS / 1000).close()
    except OSError:
        return set()
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=[address],
            request_timeout_ms=PROBE_TIMEOUT_MS,
            bootstrap_timeout_ms=PROBE_TIMEOUT_MS,
        )
        try:
            return {broker["broker_id"] for broker in admin.describe_cluster()["brokers"]}
        finally:
            admin.close()
    except (KafkaError, OSError):
        return set()


def _cluster_id() -> str:
    """Return a random id in Kafka's form: 16 bytes in URL-safe base64, unpadded, not starting with '-'."""
    while (text := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return text
