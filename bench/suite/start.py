"""How soon a system judges: from the start of its processes to its first alert, with each engine that Vigil has.

What compiled loops cost is seen beside the engine that has none: the same checkout, the same broker, in turn.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bench.suite.alerts_reader import AlertsReader
from bench.suite.fill import Log
from bench.suite.growth import filled
from bench.suite.stage import Running, Stage
from bench.suite.systems import SYSTEMS, Order, System
from streams.contracts.topics import ALERTS
from streams.errors import VigilError

FRAMES: Final = 10_000
"""Of the log: one of each patient, and the first mark after a quarter of them."""
POLL_S: Final = 0.05
DEADLINE_S: Final = 120.0


def with_engine(system: System, engine: str) -> System:
    """Return the system with one engine, where there is a choice."""

    def start(order: Order) -> tuple[list[str], Mapping[str, str]]:
        command, environment = system.start(order)
        return command, {**environment, "VIGIL_ENGINE": engine}

    return replace(system, start=start)


def measure(stage: Stage, engine: str, repeat: int, partitions: int) -> dict[str, Any]:
    """Return the time until the broker had the first alert, and the processor time until then, s.

    Each repeat has topics of its own name: one that is made again may still be on its way out.

    Raises:
        VigilError: there was none within `DEADLINE_S`, or the system ended.
    """
    system = with_engine(SYSTEMS["vigil"], engine)
    with (
        filled(stage, f"start-{engine}-{repeat}.", Log(FRAMES, partitions=partitions)) as (prefix, _),
        AlertsReader(stage.broker, prefix + ALERTS, partitions) as reader,
        stage.run(system, prefix, partitions, recorded=True) as running,
    ):
        return {
            "first_s": _first_ms(reader, running) / 1000 - running.started_s,
            "cpu_s": running.tree.cpu_s(),
        }


def _first_ms(reader: AlertsReader, running: Running) -> int:
    deadline_s = time.monotonic() + DEADLINE_S
    while not (told := reader.poll(POLL_S)):
        running.check()
        if time.monotonic() > deadline_s:
            raise VigilError(f"{running.system.name} told nothing within {DEADLINE_S:.0f} s")
    return told[0].append_ms
