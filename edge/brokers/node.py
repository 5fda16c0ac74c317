"""One node of a local Apache Kafka: its configuration, its formatted storage and its Java process."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.brokers.jars import HERE
from edge.brokers.tether import spawn
from streams.errors import VigilError

LOOPBACK: Final = "127.0.0.1"
FORMAT_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 5.0
"""How long a node may take over an orderly stop; the data is temporary, so it is killed after that."""
CLEAN_STOP_TIMEOUT_S: Final = 30.0
"""How long one node of a cluster may take to hand over what it leads."""
KILL_TIMEOUT_S: Final = 10.0
LOG_TAIL_LINES: Final = 5
ADDRESS_TAKEN: Final = "Address already in use"
OFFSETS_PARTITIONS: Final = 8
"""Of `__consumer_offsets`; the default of 50 slows the first group join on a small machine."""


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where one node listens on loopback: for clients and other brokers, for the controllers, and on each side."""

    node: int
    port: int
    controller_port: int
    sides: tuple[tuple[str, int], ...] = ()
    """Further listeners, name and port: who comes by one is told the addresses of that one only."""


def properties(
    address: NodeAddress, quorum: list[NodeAddress], data: Path, extra: Mapping[str, str]
) -> dict[str, str]:
    """Return the node's `server.properties`; `extra` wins over what is set here.

    Every node is broker and controller at once. With three nodes everything, internal topics included, has
    three copies of which two must acknowledge; a hospital would run it so.
    """
    copies = str(min(3, len(quorum)))
    acknowledging = str(min(2, len(quorum)))
    voters = ",".join(f"{peer.node}@{LOOPBACK}:{peer.controller_port}" for peer in quorum)
    chosen = {
        "process.roles": "broker,controller",
        "node.id": str(address.node),
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{address.port},CONTROLLER://{LOOPBACK}:{address.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{address.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "6000",
        "default.replication.factor": copies,
        "min.insync.replicas": acknowledging,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": str(OFFSETS_PARTITIONS),
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": acknowledging,
        "transaction.state.log.num.partitions": "2",
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": acknowledging,
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    for side, port in address.sides:
        chosen["listeners"] += f",{side}://{LOOPBACK}:{port}"
        chosen["listener.security.protocol.map"] += f",{side}:PLAINTEXT"
    return chosen | dict(extra)


class KafkaNode:
    """One Java process. It is not started by its constructor; `home` holds its files and its log."""

    def __init__(
        self,
        java: str,
        jars: Path,
        home: Path,
        address: NodeAddress,
        settings: Mapping[str, str],
        environment: Mapping[str, str] | None = None,
    ):
        self.address = address
        self._environment = environment
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self._config = home / "server.properties"
        self._log = home / "server.log"
        self._java = [
            java,
            "-Xms128m",
            "-Xmx512m",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Dlog4j2.configurationFile={(HERE / 'log4j2.properties').as_uri()}",
            "-cp",
            f"{jars}/*",
        ]
        home.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            "".join(f"{key}={value}\n" for key, value in settings.items()), encoding="utf-8"
        )

    def format(self, cluster_id: str) -> None:
        """Prepare the node's storage for the cluster.

        Raises:
            VigilError: the storage tool refused, with its last lines.
        """
        command = [*self._java, "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", cluster_id, "--config", str(self._config)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise VigilError(f"formatting Kafka's storage took more than {FORMAT_TIMEOUT_S:.0f} s") from None
        if done.returncode != 0:
            raise VigilError("formatting Kafka's storage failed: " + _tail(done.stdout + done.stderr))

    def launch(self, detached: bool) -> None:
        """Start the process; unless `detached` it is tethered to the thread that launches it."""
        command = [*self._java, "kafka.Kafka", str(self._config)]
        with self._log.open("ab") as log:
            if detached:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env=self._environment,
                )
            else:
                self.process = spawn(command, log, self._environment)

    def exited(self) -> str | None:
        """Return why the process has ended by itself, as its log tells; None while it runs."""
        if self.process is None or self.process.poll() is None:
            return None
        said = self._log.read_text(encoding="utf-8", errors="replace")
        return ADDRESS_TAKEN if ADDRESS_TAKEN in said else _tail(said)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(KILL_TIMEOUT_S)
            self.process = None

    def ask_to_stop(self) -> None:
        """Ask for an orderly stop, without waiting."""
        if self.process is not None:
            self.process.terminate()

    def stopped(self, timeout_s: float) -> None:
        """Wait for an orderly stop, then kill."""
        if self.process is not None:
            try:
                self.process.wait(max(timeout_s, 0.0))
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("at ", "..."))]  # no stack frames
    return " | ".join(lines[-LOG_TAIL_LINES:]) or "it said nothing"
