"""The systems of the bench: what each is called, how it is started, and how much it is given to do."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from bench.peers import environments, java_build
from bench.peers.defaults import LIMITS, NEWS2
from bench.peers.spec import Spec
from bench.suite.arrivals import AT_ONCE
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, READINGS

RULES: Final = (*LIMITS, AT_ONCE)
"""The rules of every run: those of the bench and the one whose onsets are planted."""

GAP_S: Final = 3_600.0
"""A missing reading changes nothing, as with the peers: runs go on after any gap of a run of the bench."""

THREADS: Final = 2
"""Cores that a system may use, on the reference machine."""


@dataclass(frozen=True, slots=True)
class Order:
    """What one run of one system is told. `prefix` stands before the names of its topics.

    `recorded` is for a log of the past, whose ticks are in it; otherwise frames are of now.
    """

    broker: str
    prefix: str
    group: str
    partitions: int
    folder: Path
    recorded: bool
    threads: int = THREADS

    @property
    def readings(self) -> str:
        """Topic of the frames."""
        return self.prefix + READINGS

    @property
    def alerts(self) -> str:
        """Topic of the alerts."""
        return self.prefix + ALERTS


Command = Callable[[], list[str]]
Start = Callable[[Order], tuple[list[str], Mapping[str, str]]]
"""Returns command and additional environment of a run."""


@dataclass(frozen=True, slots=True)
class System:
    """One system. `drain_frames` is how much it drains in one go, for about 10 s of work."""

    name: str
    start: Start
    drain_frames: int
    prepare: Command | None = None
    """Makes the system's environment, which may take minutes the first time."""
    python: bool = False
    """A Python peer: the slowest of them sets the low base rate."""
    open_loop: bool = True
    """Takes part in the runs against the clock."""
    alarms: bool = True
    """Decides; the two limits only read and decode."""


def vigil_settings(order: Order) -> Settings:
    """Return the settings of Vigil's workers in a run; its rules file is written on the way."""
    rules = order.folder / "rules.toml"
    rules.write_text(rules_file(), encoding="utf-8")
    return Settings(
        brokers=order.broker,
        topic_prefix=order.prefix,
        group=order.group,
        partitions=order.partitions,
        rules=rules,
        time_base="recorded" if order.recorded else "live",
        metrics_port=0,
        data_dir=order.folder / "data",
    )


def rules_file() -> str:
    """Return the bench's rules as Vigil's rules file: the same limits, NEWS2 as the peers', no technical alarms."""
    tables = []
    for rule in RULES:
        lines = [f'id = "{rule.id}"', f'signal = "{rule.signal}"']
        lines += [
            f"{key} = {value!r}"
            for key, value in (("low", rule.low), ("high", rule.high))
            if value is not None
        ]
        lines += [f"delay_s = {rule.delay_ms / 1000}", f"clear_margin = {rule.clear_margin}"]
        lines += [f"clear_delay_s = {rule.clear_delay_ms / 1000}", f"gap_s = {GAP_S}"]
        tables.append("\n".join(["[[rule]]", *lines]))
    tables.append("[technical]\nenabled = false")
    tables.append(f"[news2]\ninputs_min = {NEWS2.inputs_min}\ndelay_s = {NEWS2.delay_ms / 1000}")
    return "\n\n".join(tables) + "\n"


def _vigil(workers: int) -> Start:
    def start(order: Order) -> tuple[list[str], Mapping[str, str]]:
        command = [sys.executable, "-P", "-m", "edge", "worker", "--workers", str(workers)]
        return command, worker_environment(vigil_settings(order))

    return start


def _peer(command: Command) -> Start:
    def start(order: Order) -> tuple[list[str], Mapping[str, str]]:
        state = order.folder / "state"
        state.mkdir()
        spec = Spec(
            brokers=order.broker,
            readings=order.readings,
            alerts=order.alerts,
            group=order.group,
            partitions=order.partitions,
            state_dir=str(state),
            threads=order.threads,
            limits=RULES,
            news2=NEWS2,
        )
        path = order.folder / "SPEC.json"
        spec.save(path)
        return [*command(), str(path)], {}

    return start


def _python(name: str, drain_frames: int, alarms: bool = True) -> System:
    command = partial(environments.command, name)
    return System(name, _peer(command), drain_frames, command, python=alarms, open_loop=alarms, alarms=alarms)


def _java(name: str, drain_frames: int) -> System:
    command = partial(java_build.command, name)
    return System(name, _peer(command), drain_frames, command)


SYSTEMS: Final = {
    system.name: system
    for system in (
        System("vigil", _vigil(THREADS), 3_000_000),
        System("vigil-1", _vigil(1), 800_000, open_loop=False),
        _python("faust", 40_000),
        _python("quix", 250_000),
        _python("bytewax", 1_000_000),
        _java("kafka-streams", 3_000_000),
        _java("flink", 3_000_000),
        _python("raw-aiokafka", 1_500_000, alarms=False),
        _python("raw-librdkafka", 1_500_000, alarms=False),
    )
}
"""Every system by its name in the report; `vigil` has a process a core, `vigil-1` has one and is for growth."""
