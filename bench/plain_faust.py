"""Drain a topic with a Faust agent as its documentation teaches: one event an iteration, a table write each.

It does less than Vigil (no windows, no delays, no lifecycle) and is spared what can be: no model classes, no
web server, a table in memory, a small state. Prints one line of JSON (`bench.process_time.Drain`), then ends.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import faust
import msgspec

from bench.load import Load
from bench.process_time import Meter

LIMITS = {
    "hr": (50, 120),
    "pulse": (50, 120),
    "spo2": (90, 101),
    "resp": (8, 30),
    "abp_sys": (90, 160),
    "abp_dia": (50, 90),
    "abp_mean": (60, 110),
}


def build(brokers: str, topic: str, alerts_topic: str, load: Load, group: str, folder: str) -> faust.App:
    """Return the application; it measures itself and ends the process after the last frame."""
    app = faust.App(
        group,
        broker=";".join(f"kafka://{server}" for server in brokers.split(",")),
        store="memory://",
        datadir=folder,
        web_enabled=False,
        topic_partitions=load.partitions,
        value_serializer="json",
    )
    readings = app.topic(topic)
    alerts = app.topic(alerts_topic)
    patients = app.Table("patients", default=dict)
    meter = Meter()
    count = 0

    @app.agent(readings)  # type: ignore[untyped-decorator]  # Faust ships no usable types
    async def monitor(frames: AsyncIterator[dict[str, Any]]) -> None:
        nonlocal count
        async for frame in frames:
            patient = frame["patient"]
            outside = [name for name, (low, high) in LIMITS.items() if not low <= frame[name] <= high]
            if outside and not patients[patient].get("outside"):
                await alerts.send(key=patient, value={"patient": patient, "outside": outside})
            patients[patient] = {"event_ts_ms": frame["event_ts_ms"], "outside": outside}
            count += 1
            meter.first(count)
            if count == load.frames:
                meter.last(count).print()
                shutil.rmtree(folder, ignore_errors=True)
                os._exit(0)  # leaving the group in order is not measured

    return app


def main() -> None:
    """Drain once and print the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("brokers")
    options.add_argument("topic")
    options.add_argument("alerts_topic")
    options.add_argument("load", help="JSON of bench.load.Load")
    options.add_argument("group")
    given = options.parse_args()
    load = msgspec.json.decode(given.load, type=Load)
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as folder:
        app = build(given.brokers, given.topic, given.alerts_topic, load, given.group, folder)
        faust.Worker(app, loglevel="ERROR", quiet=True, redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
