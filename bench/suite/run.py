"""A bench from its first measurement to its last, in the order of `bench.suite.order` and within its time."""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from math import inf
from typing import Any, Final

from kafka.errors import KafkaError

from bench import takeover
from bench.suite import burst, equality, growth, small_blocks, start, sustainable
from bench.suite.arrivals import Ints, Plan
from bench.suite.drain import drain
from bench.suite.driver import FRAMES_MAX, LAG_P99_MS_MAX
from bench.suite.fill import Log, fill
from bench.suite.open_loop import Session, rehearse, session
from bench.suite.order import AGAIN, FIRST, MEMORY, Item, base_hz, items
from bench.suite.results import BELOW, FAILURE, VOID, Results
from bench.suite.stage import Stage
from bench.suite.systems import SYSTEMS, System
from edge.brokers.cluster import KafkaCluster
from streams.contracts.topics import READINGS
from streams.errors import VigilError

GUESS: Final = 0.5
"""Without a search: what a system sustains beside driver and broker, as a share of its drain on the wall."""

QUICK_PATIENTS: Final = 40
FACTORS: Final = (10.0, 7.0, 5.0, 3.0)
"""Of the burst, tried in this order."""
REHEARSED_HZ: Final = 50_000.0
"""Bursts below this rate need no rehearsal: the driver offers seven times as much."""
TROUBLE: Final = (VigilError, KafkaError, OSError)
"""What may go wrong with one measurement."""
AROUND_S: Final = 20.0
"""Of the time, for Kafka's start and the report."""
LISTENED_S: Final = 25.0
"""After a worker's death: a session timeout of 10 s, a rebalance and a recovery fit in."""
TRIES_MAX: Final = 2
"""Of a run or a rehearsal that the driver could not keep to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured, and in how many minutes."""

    systems: list[str]
    phases: list[str]
    repeats: int
    partitions: int
    scale: float
    quick: bool
    low_hz: float | None
    high_hz: float | None
    minutes: float

    def items(self) -> list[Item]:
        """Return the measurements in their order."""
        systems = [SYSTEMS[name] for name in self.systems]
        return items(systems, self.phases, self.repeats, self.scale, self.quick)


@dataclass(frozen=True, slots=True)
class Refused:
    """A factor that bursts were not offered at: the driver's lag, ms at the 99th percentile; None = too many frames."""

    factor: float
    lag_ms: float | None


@dataclass(frozen=True, slots=True)
class Base:
    """A base rate, frames/s, and how many times it is offered in the largest burst, on time; higher factors refused."""

    hz: float
    factor: float
    refused: Sequence[Refused] = ()


class Run:
    """One bench on a broker that runs. What the results have already is not measured again."""

    def __init__(self, kafka: KafkaCluster, wanted: Wanted, results: Results) -> None:
        self._wanted, self._results = wanted, results
        self._stage = Stage(kafka, results.folder / "logs")
        self._folder = results.folder / "runs"
        self._deadline_s = inf
        self._log: tuple[str, Log, Ints] | None = None
        self._starts: list[tuple[str, str, int, int]] | None = None
        self._chosen: dict[str, Base] | None = None
        self._count = self.failed = 0
        self.left_out: list[str] = []

    def all(self) -> int:
        """Measure everything that is wanted and fits into the time; return how many measurements failed."""
        usable = {name for name in self._wanted.systems if self._prepared(SYSTEMS[name])}
        self._deadline_s = time.monotonic() + 60 * self._wanted.minutes - AROUND_S
        # What the driver spoiled when this folder was last measured into is tried again when all else is there.
        for item in sorted(self._wanted.items(), key=lambda item: self._results.spoiled(*_key(item))):
            if item.system.name not in usable or self._results.has(*_key(item)):
                continue
            if time.monotonic() + item.seconds > self._deadline_s:
                self.left_out.append(item.name)
                continue
            try:
                if item.phase != "drain":
                    self._empty()
                getattr(self, f"_{item.phase}")(item)
            except TROUBLE as error:  # of what a measurement needs: the others are made all the same
                self.failed += 1
                _say(f"{item.name}: {error or error!r}")
        if self.left_out:
            _say(f"left out for want of time: {', '.join(self.left_out)}")
        return self.failed

    def _prepared(self, system: System) -> bool:
        """Make the system's environment; one whose cannot be made takes no part."""
        try:
            if system.prepare is not None:
                system.prepare()
        except VigilError as error:
            self.failed += 1
            self._results.save("prepare", system.name, "", 1, {FAILURE: str(error)})
            _say(f"{system.name} takes no part: {error}")
            return False
        self._results.save("prepare", system.name, "", 1, {})
        return True

    def _equality(self, item: Item) -> None:
        prefix, partitions = "equality.", self._wanted.partitions
        patients = QUICK_PATIENTS if self._wanted.quick else equality.PATIENTS
        if self._starts is None:
            self._stage.create_topics(prefix, partitions)
            equality.fill_log(self._stage.broker, prefix + READINGS, partitions, patients)
            self._starts = equality.expected(patients)
        starts = self._starts
        self._take(item, lambda: equality.check(self._stage, item.system, prefix, partitions, starts))

    def _drain(self, item: Item) -> None:
        prefix, log, done = self._filled()
        frames = round(item.system.drain_frames * self._wanted.scale)

        def measure() -> dict[str, Any]:
            drained = drain(self._stage, item.system, prefix, log, done, frames)
            return asdict(drained) | {"per_core_s": drained.per_core_s, "per_s": drained.per_s}

        self._take(item, measure)

    def _filled(self) -> tuple[str, Log, Ints]:
        """Return the log that all systems drain, each as far as it is measured; filled when first asked for."""
        if self._log is None:
            frames = max(SYSTEMS[name].drain_frames for name in self._wanted.systems)
            log = Log(round(frames * self._wanted.scale), partitions=self._wanted.partitions)
            self._stage.create_topics(prefix := "drain.", log.partitions)
            self._log = prefix, log, fill(self._stage.broker, prefix + READINGS, log)
        return self._log

    def _empty(self) -> None:
        """Delete the log that is drained, when nothing drains it any more."""
        if self._log is not None:
            prefix, self._log = self._log[0], None
            self._stage.delete_topics({name for name in self._stage.topics() if name.startswith(prefix)})

    def _sustainable(self, item: Item) -> None:
        def measure() -> dict[str, Any]:
            wall = self._drained_hz(item.system)
            if wall is None:
                raise VigilError("its drain has no result, so the search has no beginning")
            with self._session(item.system) as opened:
                first_hz = sustainable.FIRST_SHARE * wall
                steps = sustainable.search(opened, first_hz, self._wanted.partitions)
            tried = [burst.finite(asdict(step)) for step in steps]
            return {"frames_s": sustainable.best(steps), "steps": tried}

        self._take(item, measure)

    def _burst(self, item: Item) -> None:
        """Run one plan; a run that the driver could not keep to is tried once more."""
        base, bursts = self._bases().get(item.variant), item.bursts
        assert bursts is not None
        if base is None:
            _say(f"{item.name}: there is no base rate")
            return
        sustained = self._sustained(item.system)
        if sustained is not None and sustained < base.hz:
            if item.repeat == 1:
                below = {"sustained_hz": sustained, "base_hz": base.hz}
                self._results.save(BELOW, item.system.name, item.variant, 1, below)
                _say(f"{item.name}: not run, it sustains {sustained:,.0f} of {base.hz:,.0f} frames/s")
            return

        def measure() -> dict[str, Any]:
            with self._session(item.system) as opened:
                return burst.figures(opened.run(bursts.plan(base.hz, base.factor, self._wanted.partitions)))

        for tried in range(1, TRIES_MAX + 1):
            figures = self._take(item, measure)
            if not figures.get("driver", {}).get("void"):
                return
            _, system, variant, repeat = _key(item)
            self._results.save(VOID, system, f"{variant}-{repeat}", tried, {"driver": figures["driver"]})
            _say(f"{item.name}: void, the driver was late")
            if time.monotonic() + item.seconds > self._deadline_s:
                return

    def _bases(self) -> dict[str, Base]:
        """Return the bases: given, as an earlier run into the same folder chose them, or chosen now."""
        if self._chosen is None:
            known = next(iter(self._results.good("bases", "all")), {})
            for name, given_hz in (("low", self._wanted.low_hz), ("high", self._wanted.high_hz)):
                hz = given_hz or (None if name in known else self._found_hz(name))
                if hz is not None:
                    known[name] = asdict(self._rehearsed(name, hz))
            self._results.save("bases", "all", "", 1, known)
            self._chosen = {name: Base(**base) for name, base in known.items()}
        return self._chosen

    def _found_hz(self, name: str) -> float | None:
        """Return a base rate by what was measured, None where nothing tells it."""
        found = {system.name: self._sustained(system) for system in SYSTEMS.values() if system.open_loop}
        return base_hz(name, {system: rate for system, rate in found.items() if rate is not None})

    def _rehearsed(self, name: str, hz: float) -> Base:
        """Return the base with the highest factor that fits the driver and that it keeps to with the broker alone."""
        partitions, refused = self._wanted.partitions, list[Refused]()
        for factor in FACTORS:
            longest = max(runs[name].plan(hz, factor, partitions).frames_about for runs in (FIRST, AGAIN))
            lag_ms: float | None = None
            if longest <= FRAMES_MAX:
                plan = burst.rehearsal(hz, factor, partitions)
                lag_ms = 0.0 if hz * factor < REHEARSED_HZ else self._lag_ms(plan)
                if lag_ms <= LAG_P99_MS_MAX:
                    return Base(hz, factor, refused)
            refused.append(Refused(factor, lag_ms))
            _say(f"{hz:,.0f} frames/s cannot be offered {factor:g} times on this machine")
        raise VigilError(f"the driver cannot offer bursts of {hz:,.0f} frames/s")

    def _lag_ms(self, plan: Plan) -> float:
        """Return the driver's lag, ms at the 99th percentile, in the first rehearsal on time, else in the best."""
        lags = list[float]()
        while len(lags) < TRIES_MAX and min(lags, default=inf) > LAG_P99_MS_MAX:
            lags.append(rehearse(self._stage, plan))
        return min(lags)

    def _growth(self, item: Item) -> None:
        patients, partitions = map(int, item.variant.split("-"))
        self._take(item, lambda: growth.measure(self._stage, patients, partitions))

    def _blocks(self, item: Item) -> None:
        self._take(item, lambda: small_blocks.measured_apart(item.variant))

    def _start(self, item: Item) -> None:
        self._take(
            item, lambda: start.measure(self._stage, item.variant, item.repeat, self._wanted.partitions)
        )

    def _takeover(self, item: Item) -> None:
        def measure() -> dict[str, Any]:
            before, name = self._stage.topics(), f"takeover-{item.repeat}"
            try:
                found = takeover.gaps_s(self._stage.broker, name, takeover.PATIENTS, 0, LISTENED_S)
            finally:
                self._stage.delete_topics(self._stage.topics() - before)
            return {"patients": takeover.PATIENTS, "gaps_s": found, "longest_s": max(found)}

        self._take(item, measure)

    def _memory(self, item: Item) -> None:
        self._take(item, lambda: growth.memory(self._stage, int(item.variant)))

    def _sustained(self, system: System) -> float | None:
        """Return what the system sustains, frames/s; without a search a share of its drain."""
        searches = self._results.good("sustainable", system.name)
        if found := sustainable.sustained_hz([figures["frames_s"] for figures in searches]):
            return found
        wall = self._drained_hz(system)
        return None if wall is None else GUESS * wall

    def _drained_hz(self, system: System) -> float | None:
        """Return what the system drains, frames/s on the wall, None where it was not measured."""
        drains = self._results.good("drain", system.name)
        return statistics.median(figures["per_s"] for figures in drains) if drains else None

    def _session(self, system: System) -> AbstractContextManager[Session]:
        self._count += 1
        prefix = f"open-{self._count}."
        return session(self._stage, system, prefix, self._wanted.partitions, self._folder / prefix.strip("."))

    def _take(self, item: Item, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Measure once and write down the figures, or why there are none."""
        started_s = time.monotonic()
        try:
            figures = measure()
        except TROUBLE as error:  # the others are measured all the same
            figures = {FAILURE: str(error) or repr(error)}
            self.failed += 1
        self._results.save(*_key(item), figures)
        took_s = time.monotonic() - started_s
        _say(f"{item.name}: {headline(item.phase, figures)} ({took_s:.0f} s, {item.seconds:.0f} expected)")
        return figures


def _key(item: Item) -> tuple[str, str, str, int]:
    return item.phase, item.system.name, item.variant, item.repeat


def headline(phase: str, figures: dict[str, Any]) -> str:
    """Return a measurement in a few words."""
    if FAILURE in figures:
        return str(figures[FAILURE])
    if phase == "drain":
        rates = f"{figures['per_core_s']:,.0f} frames/s per core, {figures['per_s']:,.0f} frames/s"
        return f"{rates}, first told after {figures['first_s']:.1f} s"
    if phase == "growth":
        return f"{figures['frames_per_core_s']:,.0f} frames/s per core, {figures['rss_bytes'] / 1e6:,.0f} MB"
    if phase == MEMORY:
        return f"{figures['rss_bytes'] / 1e6:,.0f} MB"
    if phase == "equality":
        return f"{'equal' if figures['equal'] else 'DIFFERENT'}, {figures['starts']:,} starts"
    if phase == "blocks":
        return ", ".join(f"{kind} {figures[kind]['median_us']:.0f} us" for kind in small_blocks.KINDS)
    if phase == "start":
        return f"first alert after {figures['first_s']:.1f} s"
    if phase == "takeover":
        return f"longest gap {figures['longest_s']:.1f} s"
    if phase == "sustainable":
        return f"{figures['frames_s'] or 0:,.0f} frames/s"
    told = [one for one in figures["bursts"] if one["headline"]]
    return ", ".join(
        f"p50 {one['p50_ms']} p99 {one['p99_ms']} ms, {one['missed']} of {one['onsets']} missed"
        for one in told
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
