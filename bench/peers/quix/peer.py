"""Quix Streams 3 as its documentation teaches it: a stateful apply over a dataframe, its state in RocksDB."""

from pathlib import Path
from typing import Any

from quixstreams import Application, State
from quixstreams.models import JSONDeserializer, JSONSerializer
from quixstreams.state.rocksdb.options import RocksDBOptions

from bench.peers.processes import main
from bench.peers.records import decode, encode
from bench.peers.spec import TICK_PREFIX, Spec
from bench.peers.step import Patient, Step

LINGER_MS = 1


def build(spec: Spec, index: int) -> Application:
    """Return the application of one process of the group."""
    app = Application(
        broker_address=spec.brokers,
        consumer_group=spec.group,
        auto_offset_reset="earliest",
        state_dir=Path(spec.state_dir) / f"process-{index}",
        rocksdb_options=RocksDBOptions(dumps=encode, loads=decode),
        producer_extra_config={"linger.ms": LINGER_MS, "acks": "all"},
        loglevel="WARNING",
    )
    readings = app.topic(spec.readings, key_deserializer="bytes", value_deserializer=JSONDeserializer(decode))
    alerts = app.topic(spec.alerts, key_serializer="bytes", value_serializer=JSONSerializer(encode))
    step = Step(spec.limits, spec.news2)

    def watch(
        frame: dict[str, Any] | None, key: bytes, _timestamp: int, _headers: Any, state: State
    ) -> list[dict[str, Any]]:
        if frame is None or key.startswith(TICK_PREFIX):
            return []
        patient = Patient(*state.get("patient", ()))
        found = step.take(patient, frame)
        state.set("patient", patient.stored())
        return found

    frames = app.dataframe(readings)
    frames.apply(watch, stateful=True, metadata=True, expand=True).to_topic(alerts)
    return app


def work(spec: Spec, index: int) -> None:
    """Run one process of the group until SIGTERM."""
    build(spec, index).run()


if __name__ == "__main__":
    main(work)
