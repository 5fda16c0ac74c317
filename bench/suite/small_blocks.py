"""What little costs: processor time of a block of one frame and of a fetch of 8 frames of 4 partitions, in one process.

`python -m bench.suite.small_blocks` makes a worker's decoder, judge and tables for 5,000 patients in four partitions,
lets them judge the first seconds of a ward, and then measures call by call. No broker and no event loop are in it.
"""

import argparse
import gc
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from agents.judge_kernels import judge_kernels
from agents.judging.judge import Judge
from bench.load import EPISODE_S, SICK_ONE_IN, START_MS, Load, records
from bench.suite.targets import COMPILED, PLAIN
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from edge.project import ROOT
from streams.config.settings import Settings
from streams.contracts.frame import TICK_KEY
from streams.decoding.raw_records import RawRecords
from streams.engine import decoder_of, prepare
from streams.errors import VigilError
from tables.changelog.column_store import ColumnStore

PATIENTS, PARTITIONS = 5_000, 4
"""What one of two workers has in the runs against the clock."""
SECONDS: Final = EPISODE_S - 1
WARM_S: Final = 15
"""Of the log, and how much of it passes before anything is measured: who is in an episode is in alarm by then."""
EACH: Final = 2
"""Frames of each partition in a fetch: eight in all."""
SINGLES: Final = 40
"""Blocks of one, and fetches, that are measured in a second."""
KINDS: Final = ("decode_one", "judge_one", "judge_one_in_alarm", "fetch", "fetch_in_alarm")
"""A block of one frame; a fetch decoded and judged; in alarm is its one patient, or one of its eight."""
ENGINES: Final = (COMPILED, PLAIN)
DEADLINE_S: Final = 120.0
US: Final = 1e-3
"""Of a nanosecond."""

Frame = tuple[bytes, bytes]
"""Key and value."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """A record as the decoder is given it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time of a call, us: the least, the median, and of how many calls."""

    best_us: float
    median_us: float
    calls: int


class Engine:
    """A worker's decoder, judge and tables. The one place of the bench that knows how blocks are judged."""

    def __init__(self, settings: Settings) -> None:
        prepare(settings.engine, settings.data_dir)
        ttl_ms, kernels = settings.patient_ttl_s * 1000, judge_kernels(settings.engine)
        self._is_compiled = kernels is not None
        self._judge = Judge(DEFAULT_RULES, TimeRules(recorded=True), ttl_ms, PARTITIONS, kernels=kernels)
        self._decoder = decoder_of(settings.engine)
        store = ColumnStore(self._judge.new_table)
        self._tables = [store.state(partition) for partition in range(PARTITIONS)]

    def placed(self, run: Sequence[Any]) -> Sequence[Any]:
        """Return a run as a fetch brings it: as bytes to compiled code, to the other an object each."""
        return RawRecords.of(run) if self._is_compiled else run

    def decode(self, run: Sequence[Any]) -> Any:
        """Return a run of one partition decoded."""
        return self._decoder.decode(run)

    def judge(self, decoded: Sequence[tuple[int, Any]]) -> Any:
        """Judge a decoded run of each of several partitions together; return the verdicts."""
        return self._judge.judge_together([(self._tables[partition], run) for partition, run in decoded])

    def take(self, fetched: Sequence[tuple[int, Sequence[Any]]]) -> Any:
        """Decode and judge what a fetch brought of several partitions; return the verdicts."""
        return self.judge([(partition, self.decode(run)) for partition, run in fetched])


class Ward:
    """A ward that is judged second by second, with a tick at each one's end; some calls of each second are measured."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seconds = _seconds(Load(SECONDS * PATIENTS, PATIENTS, PARTITIONS))
        self._offsets = [0] * PARTITIONS
        self._random = random.Random(5)
        self.taken_ns: dict[str, list[int]] = {kind: [] for kind in KINDS}

    def pass_second(self, measured: bool) -> None:
        """Judge the next second: what is measured of it first, one after the other, and the rest together."""
        second = next(self._seconds)
        calm, ill, ticks = zip(*map(_divided, second), strict=True)
        for frames in (*calm, *ill):
            self._random.shuffle(frames)
        if measured:
            turns = itertools.cycle(range(PARTITIONS))
            for turn, _ in zip(turns, range(SINGLES), strict=False):
                self._one(turn, calm[turn].pop(), "decode_one", "judge_one")
                self._fetch([[frames.pop() for _ in range(EACH)] for frames in calm], "fetch")
            for turn, frames in enumerate(ill):
                while len(frames) >= EACH:
                    self._one(turn, frames.pop(), None, "judge_one_in_alarm")
                    runs = [[others.pop() for _ in range(EACH - (others is calm[turn]))] for others in calm]
                    runs[turn].append(frames.pop())
                    self._fetch(runs, "fetch_in_alarm")
        rest = zip(calm, ill, ticks, strict=True)
        self._fetch([[*healthy, *sick, *tick] for healthy, sick, tick in rest], None)

    def _one(self, partition: int, frame: Frame, decoding: str | None, judging: str) -> None:
        """Judge a block of one frame."""
        run = self._placed(partition, [frame])
        began = time.process_time_ns()
        decoded = self._engine.decode(run)
        between = time.process_time_ns()
        self._engine.judge([(partition, decoded)])
        ended = time.process_time_ns()
        if decoding:
            self.taken_ns[decoding].append(between - began)
        self.taken_ns[judging].append(ended - between)

    def _fetch(self, runs: Sequence[Sequence[Frame]], kind: str | None) -> None:
        """Judge what a fetch brought, a run of each partition."""
        fetched = [(partition, self._placed(partition, run)) for partition, run in enumerate(runs)]
        began = time.process_time_ns()
        self._engine.take(fetched)
        ended = time.process_time_ns()
        if kind:
            self.taken_ns[kind].append(ended - began)

    def _placed(self, partition: int, run: Sequence[Frame]) -> Sequence[Any]:
        first = self._offsets[partition]
        self._offsets[partition] += len(run)
        return self._engine.placed(
            [Consumed(first + i, START_MS, key, value) for i, (key, value) in enumerate(run)]
        )


def _seconds(load: Load) -> Iterator[list[list[Frame]]]:
    """Yield the load second by second, by partition."""
    every = records(load)
    while second := list(itertools.islice(every, load.patients + load.partitions)):
        found: list[list[Frame]] = [[] for _ in range(load.partitions)]
        for partition, key, value in second:
            found[partition].append((key, value))
        yield found


def _divided(run: Sequence[Frame]) -> tuple[list[Frame], list[Frame], list[Frame]]:
    """Return a partition's second divided: frames of who is well, of who is in an episode, and ticks."""
    calm, ill, ticks = list[Frame](), list[Frame](), list[Frame]()
    for frame in run:
        key = frame[0]
        (ticks if key == TICK_KEY else calm if int(key[4:]) % SICK_ONE_IN else ill).append(frame)
    return calm, ill, ticks


def measure() -> dict[str, Any]:
    """Return the costs with the engine that the environment names."""
    ward = Ward(Engine(Settings()))
    gc.collect()
    gc.disable()  # a worker's collector runs rarely
    for second in range(SECONDS):
        ward.pass_second(second >= WARM_S)
    return {kind: asdict(_cost(taken)) for kind, taken in ward.taken_ns.items()}


def _cost(taken_ns: Sequence[int]) -> Cost:
    return Cost(min(taken_ns) * US, statistics.median(taken_ns) * US, len(taken_ns))


def measured_apart(engine: str) -> dict[str, Any]:
    """Measure in a process of its own, with one engine.

    Raises:
        VigilError: it failed; with its last line.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIGIL_")}
    environment |= {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment["VIGIL_ENGINE"] = engine
    command = [sys.executable, "-m", "bench.suite.small_blocks", "--json"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        raise VigilError(f"small blocks with {engine}: not done within {DEADLINE_S:.0f} s") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise VigilError(f"small blocks with {engine}: {said[-1] if said else 'no result'}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure and print, for people or as JSON."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--json", action="store_true", help="the engine of VIGIL_ENGINE only, as JSON")
    given = options.parse_args()
    if given.json:
        print(json.dumps(measure()))
        return 0
    for engine in ENGINES:
        for name, cost in measured_apart(engine).items():
            if isinstance(cost, dict):
                print(
                    f"{engine}: {name:<20}{cost['best_us']:>8.1f} us at best, {cost['median_us']:.1f} median"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
