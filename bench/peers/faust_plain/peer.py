"""Faust as its documentation teaches it: an agent over events, a table written at each, alerts to a topic."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import faust
from faust.serializers.codecs import Codec

from bench.peers.processes import main
from bench.peers.records import decode
from bench.peers.spec import TICK_PREFIX, Spec
from bench.peers.step import Patient, Step

NOBODY: Final = [[-1, -1]]
"""The record of a patient who was never seen: no state, and a position before every frame."""


class FrameCodec(Codec):
    """Frames with msgspec; None for what cannot be decoded."""

    def _loads(self, s: bytes) -> dict[str, Any] | None:
        return decode(s)


def build(spec: Spec, index: int) -> faust.App:
    """Return the application of one worker."""
    app = faust.App(
        spec.group,
        broker=";".join(f"kafka://{server}" for server in spec.brokers.split(",")),
        store="memory://",
        datadir=str(Path(spec.state_dir) / f"worker-{index}"),
        web_enabled=False,
        topic_partitions=spec.partitions,
        topic_replication_factor=1,
        table_standby_replicas=0,
        consumer_auto_offset_reset="earliest",
        cython_optimizations=True,
    )
    readings = app.topic(spec.readings, key_serializer="raw", value_serializer=FrameCodec())
    alerts = app.topic(spec.alerts, key_serializer="raw")
    patients = app.Table("patients", key_type=bytes)
    step = Step(spec.limits, spec.news2)

    @app.agent(readings)  # type: ignore[untyped-decorator]
    async def watch(frames: AsyncIterator[dict[str, Any] | None]) -> None:
        async for frame in frames:
            key = faust.current_event().key
            if frame is None or key.startswith(TICK_PREFIX):
                continue
            *stored, seen = patients.get(key, NOBODY)
            position = [frame["boot"], frame["seq"]]
            if position <= seen:  # read again after a rebalance; the table knows it
                continue
            patient = Patient(*stored)
            for alert in step.take(patient, frame):
                await alerts.send(key=key, value=alert)
            patients[key] = [*patient.stored(), position]

    return app


def work(spec: Spec, index: int) -> None:
    """Run one worker until SIGTERM."""
    worker = faust.Worker(build(spec, index), loglevel="WARNING", quiet=True, redirect_stdouts=False)
    worker.execute_from_commandline()


if __name__ == "__main__":
    main(work)
