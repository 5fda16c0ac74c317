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
BATCH = 5_000
LINGER_MS = 0


class Watch(StatefulBatchLogic[bytes | None, dict[str, Any], Any]):
    """One patient; Bytewax hands over the records of a batch together."""

    def __init__(self, step: Step, stored: Any) -> None:
        self._step = step
        self._patient = Patient() if stored is None else Patient(*stored)

    def on_batch(self, values: list[bytes | None]) -> tuple[list[dict[str, Any]], bool]:
        """Decode the records and judge the frames."""
        found: list[dict[str, Any]] = []
        for value in values:
            frame = decode(value)
            if frame is not None:
                found += self._step.take(self._patient, frame)
        return found, StatefulBatchLogic.RETAIN

    def snapshot(self) -> Any:
        """Return a copy of the state, as recovery asks for."""
        values, values_ms, stretch, runs = self._patient.stored()
        return values[:], values_ms[:], stretch, {rule: run[:] for rule, run in runs.items()}


def by_patient(batch: list[KafkaSourceMessage[bytes, bytes]]) -> list[tuple[str, bytes | None]]:
    """Return key and value of the records that are frames.

    They travel to their process undecoded: bytes are cheaper to hand over than what is in them.
    """
    keyed = ((message.key or b"", message.value) for message in batch)
    return [(key.decode(), value) for key, value in keyed if not key.startswith(TICK_PREFIX)]


def build(spec: Spec) -> Dataflow:
    """Return the dataflow."""
    brokers = spec.brokers.split(",")
    step = Step(spec.limits, spec.news2)
    flow = Dataflow("peer")
    source = KafkaSource(brokers, [spec.readings], batch_size=BATCH)
    records = op.flat_map_batch("by-patient", op.input("readings", flow, source), by_patient)
    alerts = op.stateful_batch("watch", records, lambda stored: Watch(step, stored))
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
    """Make the recovery partitions, one a process, unless they are there, and run the cluster."""
    spec = given_spec()
    if not any(Path(spec.state_dir).iterdir()):
        init_db_dir(Path(spec.state_dir), spec.threads)
    sys.exit(run(partial(work, addresses=free_addresses(spec.threads)), spec, spec.threads))


if __name__ == "__main__":
    main()
