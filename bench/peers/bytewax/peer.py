"""Bytewax as its documentation teaches it: Kafka in, a stateful step by key, Kafka out, recovery in SQLite."""

import socket
import sys
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from bench.peers.processes import given_spec, run
from bench.peers.records import decode, encode
from bench.peers.spec import TICK_PREFIX, Spec
from bench.peers.step import Patient, Step

SNAPSHOT = timedelta(seconds=10)
LINGER_MS = 0

Keyed = tuple[str, dict[str, Any]]


class Watch(StatefulBatchLogic[dict[str, Any], dict[str, Any], Any]):
    """One patient; Bytewax hands over the frames of a batch together."""

    def __init__(self, step: Step, stored: Any) -> None:
        self._step = step
        self._patient = Patient() if stored is None else Patient(*stored)

    def on_batch(self, values: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
        """Judge the frames."""
        take, patient = self._step.take, self._patient
        return [alert for frame in values for alert in take(patient, frame)], StatefulBatchLogic.RETAIN

    def snapshot(self) -> Any:
        """Return a copy of the state, as recovery asks for."""
        values, values_ms, stretch, runs = self._patient.stored()
        return values[:], values_ms[:], stretch, {rule: run[:] for rule, run in runs.items()}


def keyed_frames(batch: list[KafkaSourceMessage[bytes, bytes]]) -> list[Keyed]:
    """Decode a batch of records."""
    found = []
    for message in batch:
        key = message.key or b""
        if not key.startswith(TICK_PREFIX):
            frame = decode(message.value)
            if frame is not None:
                found.append((key.decode(), frame))
    return found


def build(spec: Spec) -> Dataflow:
    """Return the dataflow."""
    brokers = spec.brokers.split(",")
    step = Step(spec.limits, spec.news2)
    flow = Dataflow("peer")
    records = op.input("readings", flow, KafkaSource(brokers, [spec.readings]))
    frames = op.flat_map_batch("decode", records, keyed_frames)
    alerts = op.stateful_batch("watch", frames, lambda stored: Watch(step, stored))
    messages = op.map("encode", alerts, lambda keyed: KafkaSinkMessage(keyed[0].encode(), encode(keyed[1])))
    op.output("alerts", messages, KafkaSink(brokers, spec.alerts, {"linger.ms": LINGER_MS, "acks": "all"}))
    return flow


def work(spec: Spec, index: int, addresses: list[str]) -> None:
    """Run one process of the cluster until it is terminated."""
    cli_main(
        build(spec),
        process_id=index,
        addresses=addresses,
        epoch_interval=SNAPSHOT,
        recovery_config=RecoveryConfig(Path(spec.state_dir)),
    )


def free_addresses(count: int) -> list[str]:
    """Return addresses on loopback for the processes of a cluster."""
    with ExitStack() as open_ones:
        sockets = [open_ones.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{held.getsockname()[1]}" for held in sockets]


def main() -> None:
    """Make the recovery partitions, one a process, and run the cluster."""
    spec = given_spec()
    init_db_dir(Path(spec.state_dir), spec.threads)
    sys.exit(run(partial(work, addresses=free_addresses(spec.threads)), spec, spec.threads))


if __name__ == "__main__":
    main()
