"""The order of a bench: equality first, then rounds over all systems, so that a slow spell falls on all of them."""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from kafka.errors import KafkaError

from bench.suite import burst, equality, growth, sustainable
from bench.suite.arrivals import Ints, Plan
from bench.suite.drain import drain
from bench.suite.driver import FRAMES_MAX
from bench.suite.fill import Log, fill
from bench.suite.open_loop import Session, rehearse, session
from bench.suite.results import FAILURE, Results
from bench.suite.stage import Stage
from bench.suite.systems import SYSTEMS, System
from streams.errors import VigilError
from streams.kafka_server import KafkaCluster
from streams.topics import READINGS

PHASES: Final = ("equality", "drain", "sustainable", "burst", "shapes", "growth")
LOW_SHARE: Final = 1 / 10
HIGH_SHARE: Final = 1 / 3
"""The base rates: of the slowest Python peer's sustainable rate, and of Vigil's."""

GUESS: Final = 0.5
"""Without a search: what a system sustains beside driver and broker, as a share of its drain on the wall."""

QUICK_PATIENTS: Final = 40
FACTORS: Final = (10.0, 7.0, 5.0, 3.0)
"""Of the burst, tried in this order."""
TRIES_MAX: Final = 2
"""Of a run that the driver could not keep to."""
GROWTH_REPEATS: Final = 3

PlanOf = Callable[[float, float, int], Plan]
"""Makes a plan of base rate, factor of the burst, and partitions."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured."""

    systems: list[str]
    phases: list[str]
    repeats: int
    partitions: int
    scale: float
    quick: bool
    burst_s: float
    low_hz: float | None
    high_hz: float | None


@dataclass(frozen=True, slots=True)
class Base:
    """A base rate, frames/s, and how many times it is offered in the largest burst."""

    hz: float
    factor: float


class Run:
    """One bench on a broker that runs."""

    def __init__(self, kafka: KafkaCluster, wanted: Wanted, results: Results) -> None:
        self._wanted, self._results = wanted, results
        self._stage = Stage(kafka, results.folder / "logs")
        self._folder = results.folder / "runs"
        self._systems = [SYSTEMS[name] for name in wanted.systems]
        self._logs: dict[str, tuple[Log, Ints]] = {}
        self._count = self.failed = 0

    def all(self) -> int:
        """Measure every phase that is wanted and return how many measurements failed."""
        self._prepare()
        for phase in PHASES:
            if phase in self._wanted.phases:
                getattr(self, f"_{phase}")()
        return self.failed

    def _prepare(self) -> None:
        """Make the systems' environments; one that cannot be made takes no part."""
        for system in list(self._systems):
            try:
                if system.prepare is not None:
                    system.prepare()
                self._results.save("prepare", system.name, "", 1, {})
            except VigilError as error:
                self._systems.remove(system)
                self.failed += 1
                self._results.save("prepare", system.name, "", 1, {FAILURE: str(error)})
                _say(f"{system.name} takes no part: {error}")

    def _equality(self) -> None:
        patients = QUICK_PATIENTS if self._wanted.quick else equality.PATIENTS
        prefix, partitions = "equality.", self._wanted.partitions
        self._stage.create_topics(prefix, partitions)
        equality.fill_log(self._stage.broker, prefix + READINGS, partitions, patients)
        starts = equality.expected(patients)
        for system in self._deciding():
            measure = partial(equality.check, self._stage, system, prefix, partitions, starts)
            self._take("equality", system, "", 1, measure)

    def _drain(self) -> None:
        for repeat in self._rounds():
            for system in self._systems:
                self._take("drain", system, "", repeat, partial(self._drain_once, system))
        for prefix in self._logs:
            self._stage.delete_topics({name for name in self._stage.topics() if name.startswith(prefix)})
        self._logs.clear()

    def _drain_once(self, system: System) -> dict[str, Any]:
        frames = int(system.drain_frames * self._wanted.scale)
        prefix = f"drain-{frames}."
        if prefix not in self._logs:
            log = Log(frames, partitions=self._wanted.partitions)
            self._stage.create_topics(prefix, log.partitions)
            self._logs[prefix] = log, fill(self._stage.broker, prefix + READINGS, log)
        drained = drain(self._stage, system, prefix, *self._logs[prefix])
        return asdict(drained) | {"per_core_s": drained.per_core_s, "per_s": drained.per_s}

    def _sustainable(self) -> None:
        for system in self._against_the_clock():
            self._take("sustainable", system, "", 1, partial(self._search, system))

    def _search(self, system: System) -> dict[str, Any]:
        wall = self._median("drain", system.name, "per_s")
        if wall is None:
            raise VigilError("its drain has no result, so the search has no beginning")
        with self._session(system) as opened:
            first_hz = sustainable.FIRST_SHARE * wall
            steps = sustainable.search(opened, first_hz, self._wanted.partitions)
        tried = [burst.finite(asdict(step)) for step in steps]
        return {"frames_s": sustainable.best(steps), "steps": tried}

    def _burst(self) -> None:
        plan_of = partial(burst.headline_plan, burst_s=self._wanted.burst_s)
        bases = self._bases()
        for repeat in self._rounds():
            for name, base in bases.items():
                for system in self._against_the_clock():
                    if repeat == 1 or self._keeps_up(system, base):
                        self._open_loop("burst", system, name, repeat, base, plan_of)

    def _shapes(self) -> None:
        for name, base in self._bases().items():
            for system in self._against_the_clock():
                if self._keeps_up(system, base):
                    self._open_loop("shapes", system, name, 1, base, burst.shapes_plan)

    def _open_loop(
        self, phase: str, system: System, name: str, repeat: int, base: Base, plan_of: PlanOf
    ) -> None:
        """Run one plan; a run that the driver could not keep to is tried once more."""

        def measure() -> dict[str, Any]:
            with self._session(system) as opened:
                return burst.figures(opened.run(plan_of(base.hz, base.factor, self._wanted.partitions)))

        for _ in range(TRIES_MAX):
            figures = self._take(phase, system, name, repeat, measure)
            if not figures.get("driver", {}).get("void"):
                return
            _say(f"{phase}: {system.name}: void, the driver was late")

    def _bases(self) -> dict[str, Base]:
        """Return the bases: given, as an earlier run into the same folder chose them, or chosen now."""
        chosen = next(iter(self._results.good("bases", "all")), {})
        for name, given_hz, found_hz in (
            ("low", self._wanted.low_hz, self._low_hz()),
            ("high", self._wanted.high_hz, self._high_hz()),
        ):
            hz = given_hz or (found_hz if name not in chosen else None)
            if hz is not None:
                chosen[name] = asdict(Base(hz, self._rehearse(hz)))
        self._results.save("bases", "all", "", 1, chosen)
        return {name: Base(**base) for name, base in chosen.items()}

    def _rehearse(self, base_hz: float) -> float:
        """Return the highest factor of the burst that fits the driver and that it keeps to with the broker alone."""
        for factor in FACTORS:
            plan = burst.headline_plan(base_hz, factor, self._wanted.partitions, self._wanted.burst_s)
            longest = burst.shapes_plan(base_hz, factor, self._wanted.partitions)
            if longest.frames_about <= FRAMES_MAX and (self._wanted.quick or rehearse(self._stage, plan)):
                return factor
            _say(f"{base_hz:,.0f} frames/s cannot be offered {factor:g} times on this machine")
        raise VigilError(f"the driver cannot offer bursts of {base_hz:,.0f} frames/s")

    def _growth(self) -> None:
        repeats = 1 if self._wanted.quick else GROWTH_REPEATS
        for patients, partitions in growth.points():
            measure = partial(growth.measure, self._stage, patients, partitions, repeats)
            self._take("growth", SYSTEMS["vigil"], f"{patients}-{partitions}", 1, measure)
        for patients in growth.MEMORY_PATIENTS:
            measure = partial(growth.memory, self._stage, patients)
            self._take("memory", SYSTEMS["vigil"], str(patients), 1, measure)

    def _low_hz(self) -> float | None:
        peers = [rate for system in SYSTEMS.values() if system.python and (rate := self._sustained(system))]
        return LOW_SHARE * min(peers) if peers else None

    def _high_hz(self) -> float | None:
        vigil = self._sustained(SYSTEMS["vigil"])
        return HIGH_SHARE * vigil if vigil and not self._wanted.quick else None

    def _sustained(self, system: System) -> float | None:
        """Return what the system sustains, frames/s; without a search a share of its drain."""
        if found := self._median("sustainable", system.name, "frames_s"):
            return found
        wall = self._median("drain", system.name, "per_s")
        return None if wall is None else GUESS * wall

    def _keeps_up(self, system: System, base: Base) -> bool:
        sustained = self._sustained(system)
        return sustained is None or sustained >= base.hz

    def _median(self, phase: str, system: str, figure: str) -> float | None:
        found = [
            figures[figure] for figures in self._results.good(phase, system) if figures[figure] is not None
        ]
        return statistics.median(found) if found else None

    def _deciding(self) -> list[System]:
        return [system for system in self._systems if system.alarms]

    def _against_the_clock(self) -> list[System]:
        return [system for system in self._systems if system.open_loop]

    def _rounds(self) -> range:
        return range(1, self._wanted.repeats + 1)

    def _session(self, system: System) -> AbstractContextManager[Session]:
        self._count += 1
        prefix = f"open-{self._count}."
        return session(self._stage, system, prefix, self._wanted.partitions, self._folder / prefix.strip("."))

    def _take(
        self, phase: str, system: System, variant: str, repeat: int, measure: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Measure once and write down the figures, or why there are none."""
        started_s = time.monotonic()
        try:
            figures = measure()
        except (VigilError, KafkaError, OSError) as error:  # the others are measured all the same
            figures = {FAILURE: str(error) or repr(error)}
            self.failed += 1
        self._results.save(phase, system.name, variant, repeat, figures)
        what = " ".join(filter(None, [phase, system.name, variant, str(repeat)]))
        _say(f"{what}: {headline(phase, figures)} ({time.monotonic() - started_s:.0f} s)")
        return figures


def headline(phase: str, figures: dict[str, Any]) -> str:
    """Return a measurement in a few words."""
    if FAILURE in figures:
        return str(figures[FAILURE])
    if phase == "drain":
        return f"{figures['per_core_s']:,.0f} frames/s per core, {figures['per_s']:,.0f} frames/s"
    if phase == "growth":
        return f"{figures['frames_per_core_s']:,.0f} frames/s per core, {figures['rss_bytes'] / 1e6:,.0f} MB"
    if phase == "memory":
        return f"{figures['rss_bytes'] / 1e6:,.0f} MB"
    if phase == "equality":
        return f"{'equal' if figures['equal'] else 'DIFFERENT'}, {figures['starts']:,} starts"
    if phase == "sustainable":
        return f"{figures['frames_s'] or 0:,.0f} frames/s"
    last = next(iter(figures["bursts"].values()))
    return f"p50 {last['p50_ms']} p99 {last['p99_ms']} ms, {last['missed']} of {last['onsets']} missed"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
