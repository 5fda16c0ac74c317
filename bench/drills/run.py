"""One drill from start to verdict."""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from agents.health.canary import with_canary
from bench.drills.fault import Need
from bench.drills.findings import FaultTime, Findings, gap_s, latency_by_phase
from bench.drills.gateways import SABOTAGES
from bench.drills.ledger import Ledger, Outcome
from bench.drills.oracle import Counts, Oracle
from bench.drills.overdue import overdue
from bench.drills.read_back import end_offsets, read_back
from bench.drills.releases import OURS, earlier_release
from bench.drills.stage import POLL_S, Stage
from bench.drills.surroundings import surround
from bench.drills.ward import RULES, LoadPlan
from bench.drills.workers import Worker, Workers
from edge.brokers.tether import spawn, stop
from edge.scaling import status
from streams.config.rules_file import load_rules
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, DEAD_LETTERS, READINGS
from streams.errors import UsageError, VigilError
from streams.kafka.admin import apply_topics
from streams.kafka.layout_log import laid_out

ROOT: Final = Path(__file__).resolve().parents[2]
PARTITIONS: Final = 8
LEAD_S: Final = 3.0
"""The loader connects and plans before its schedule begins."""

WARM_UP_S: Final = 3.0
"""Alerts decided in the first seconds of the load count, but not their latency."""

LOADER_S_MAX: Final = 120.0
"""How long after the end of its schedule the loader may wait for the broker's answers."""

COMMIT_S_MAX: Final = 90.0
"""A session timeout, a recovery and a checkpoint of everything, with room for a busy machine."""

TOPICS_S_MAX: Final = 60.0
"""For an earlier release to create its topics."""

SABOTAGED: Final = "bench.drills.sabotaged_worker"


def _nothing(_: Findings) -> list[str]:
    return []


def _no_troubles(_seed: int, _seconds: float) -> Sequence[tuple[str, float, float]]:
    return ()


def read_readings(stage: Stage, oracle: Oracle) -> list[int]:
    """Have the oracle judge the readings; return by how much each partition's offsets are shifted there: not at all."""
    settings = stage.settings
    read_back(settings.brokers, settings.topic(READINGS), settings.partitions, oracle.take_readings)
    return [0] * settings.partitions


@dataclass(frozen=True, slots=True)
class Drill:
    """One row of the table of drills.

    Args:
        name: as on the command line.
        about: one line.
        fault: injects the fault; runs in the main thread while the load runs.
        seconds: how long the load lasts if the caller does not say.
        check: promises beyond the counts: sentences about those that broke.
        shape: what the devices do (`shapes.SHAPES`).
        nodes: of Kafka; with 3 every topic has 3 copies, 2 of them in sync.
        needs: what must stand before, under or beside the brokers.
        wants: likewise, where the machine has it; what is missing is in `Stage.missing`.
        troubles: what devices do when in the shape `troubled`, by seed and seconds of the load.
        bounded: whether no alert may come later than its faults allow (`overdue`).
        workers: how many are started at first.
        worker: module that is started as worker, with `arguments`.
        attended: whether each worker has a parent that sees it die, as those of `vigil worker` have.
        settle_s: how long after the fault its effects count as during.
        troubled: patients whose name begins so are the fault's own; their alerts' latency is left out.
        settings: changes to the workers' settings.
        from_earlier: whether it begins with topics and workers of an earlier release (`Options.earlier`).
        readings: has the oracle judge the readings.
    """

    name: str
    about: str
    fault: Callable[[Stage], None]
    seconds: float = 60.0
    check: Callable[[Findings], list[str]] = _nothing
    shape: str = "plain"
    nodes: int = 1
    needs: frozenset[Need] = frozenset()
    wants: frozenset[Need] = frozenset()
    troubles: Callable[[int, float], Sequence[tuple[str, float, float]]] = _no_troubles
    bounded: bool = False
    workers: int = 2
    worker: str = "agents"
    arguments: tuple[str, ...] = ()
    attended: bool = False
    settle_s: float = 10.0
    troubled: str | None = None
    settings: tuple[tuple[str, object], ...] = ()
    from_earlier: bool = False
    readings: Callable[[Stage, Oracle], list[int]] = read_readings


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller chose; None = the drill's own. `earlier` is what git calls the release to begin with."""

    seconds: float | None = None
    seed: int = 1
    rate: float = 2_000.0
    patients: int = 5_000
    sabotage: str | None = None
    brokers: str | None = None
    keep: Path | None = None
    """Where what workers said and what was sent is kept; else it is gone afterwards."""
    earlier: str | None = None


def run(drill: Drill, options: Options) -> Findings:
    """Run a drill and return what it found.

    Raises:
        VigilError: it could not be run to its end.
    """
    if options.brokers and (drill.nodes > 1 or Need.PROXIES in drill.needs):
        raise UsageError(f"brokers: {drill.name} needs brokers of its own, which it may kill")
    with contextlib.ExitStack() as stack:
        if options.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vigil-drill-")))
        else:
            folder = Path(tempfile.mkdtemp(prefix=f"{drill.name}-", dir=options.keep))
        stage = _set_up(drill, options, folder, stack)
        ledger = _play(drill, options, stage)
        return _verify(drill, options, stage, ledger)


def _set_up(drill: Drill, options: Options, folder: Path, stack: contextlib.ExitStack) -> Stage:
    earlier = earlier_release(options.earlier) if drill.from_earlier else None
    around = surround(drill.needs, drill.wants, drill.nodes, options.brokers, folder, stack)
    rules = folder / "rules.toml"
    rules.write_text(RULES, encoding="utf-8")
    name = f"{drill.name}-{uuid.uuid4().hex[:6]}"
    chosen: dict[str, object] = {
        "brokers": around.bootstrap,
        "group": f"drill-{name}",
        "topic_prefix": f"{name}.",
        "partitions": PARTITIONS,
        "replication": drill.nodes,
        "rules": rules,
        "data_dir": folder,
    }
    settings = Settings(**(chosen | dict(drill.settings)))  # type: ignore[arg-type]
    if earlier:
        earlier.run(settings, TOPICS_S_MAX, "edge", "topics", "apply")
    else:
        apply_topics(settings)
    module, arguments = drill.worker, drill.arguments
    if options.sabotage and options.sabotage not in SABOTAGES:
        module, arguments = SABOTAGED, (options.sabotage,)
    workers = Workers(settings, folder, module, arguments, drill.attended, around.sides, earlier or OURS)
    stack.callback(workers.close)
    seconds = options.seconds or drill.seconds
    stage = Stage(
        settings,
        around.cluster,
        workers,
        folder,
        random.Random(options.seed),
        seconds,
        proxies=around.proxies,
        sabotage=options.sabotage,
        seed=options.seed,
        disks=around.disks,
        clocks=around.clocks,
        missing=around.missing,
        earlier=earlier,
    )
    for _ in range(drill.workers):
        workers.start()
    workers.wait_ready()
    return stage


def _play(drill: Drill, options: Options, stage: Stage) -> Ledger:
    """Run load and fault side by side, let the workers finish, and stop them; return the ledger."""
    with _loader(drill, options, stage) as (process, path, log):
        drill.fault(stage)
        try:
            code = process.wait(max(0.0, stage.left_s) + LOADER_S_MAX)
        except subprocess.TimeoutExpired:
            raise VigilError("the loader did not end") from None
        if code != 0:
            raise VigilError(f"the loader ended with {code}: {log.read_text()[-500:]}")
        ledger = Ledger.load(path)
    settle_forwarding(stage)
    topic = stage.settings.topic(READINGS)
    ends = end_offsets(stage.settings.brokers, topic, stage.settings.reading_partitions)
    stage.say(f"load over: {len(ledger)} records sent; waiting until {sum(ends)} are committed")
    missing = stage.wait_committed(ends, COMMIT_S_MAX)
    if any(missing):
        stage.broken.append(f"{sum(missing)} records not committed {COMMIT_S_MAX:g} s after the load")
    _stop_workers(stage)
    return ledger


def settle_forwarding(stage: Stage) -> None:
    """Go on with the generation of the readings that is judged, once all that was written before is there."""
    deadline_s = time.monotonic() + COMMIT_S_MAX
    while any(waiting := status(stage.settings).waiting.values()):
        if time.monotonic() > deadline_s:
            stage.broken.append(f"{sum(waiting)} records not forwarded {COMMIT_S_MAX:g} s after the load")
            break
        time.sleep(POLL_S)
    stage.settings = laid_out(stage.settings)


@contextlib.contextmanager
def _loader(
    drill: Drill, options: Options, stage: Stage
) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    stage.start_s = time.time() + LEAD_S
    plan = LoadPlan(
        stage.settings.brokers,
        stage.settings.topic(READINGS),
        stage.settings.partitions,
        stage.seconds,
        options.rate,
        options.patients,
        options.seed,
        int(stage.start_s * 1000),
        drill.shape,
        drill.troubles(options.seed, stage.seconds),
    )
    path, log = stage.folder / "ledger.npz", stage.folder / "loader.log"
    command = [sys.executable, "-P", "-m", "bench.drills.load", json.dumps(asdict(plan)), str(path)]
    with log.open("wb") as output:
        process = spawn(command, output, {**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process, path, log
    finally:
        stop(process, term_wait_s=0.0)


def _stop_workers(stage: Stage) -> None:
    running: list[Worker] = stage.workers.running
    if not running:
        stage.broken.append("no worker was left at the end")
    stage.workers.terminate(*running)
    stage.broken += [
        f"worker {worker.index} ended with {worker.exit_code}, not 0, when told to stop"
        for worker in running
        if worker.exit_code != 0
    ]


def _verify(drill: Drill, options: Options, stage: Stage, ledger: Ledger) -> Findings:
    settings = stage.settings
    assert settings.rules is not None
    oracle = Oracle(settings, with_canary(load_rules(settings.rules)))
    stage.say("reading back")
    shifts = drill.readings(stage, oracle)
    for topic, partitions, take in (
        (ALERTS, settings.partitions, oracle.take_alerts),
        (DEAD_LETTERS, 1, oracle.take_letters),
    ):
        read_back(settings.brokers, settings.topic(topic), partitions, take)
    committed = [done + shift for done, shift in zip(stage.committed(), shifts, strict=True)]
    counts = oracle.judge(ledger, committed)
    told = oracle.told()
    from_ms = int((stage.start_s + WARM_UP_S) * 1000)
    to_ms = int((stage.start_s + stage.seconds) * 1000)
    others = [alert for alert in told if not drill.troubled or not alert.patient.startswith(drill.troubled)]
    latency = latency_by_phase(others, stage.faults, int(drill.settle_s * 1000), from_ms, to_ms)
    findings = Findings(
        drill.name, counts, latency, gap_s(oracle.ticks_ms, told, from_ms, to_ms), list(stage.broken)
    )
    findings.facts = _facts(drill, options, stage, ledger, oracle)
    findings.broken += _broken_counts(counts)
    if not others:
        findings.broken.append("no alert came out at all: nothing was tested")
    if drill.bounded:
        timed = [alert for alert in others if from_ms <= alert.decided_ms <= to_ms]
        findings.broken += overdue(timed, stage.faults)
    findings.broken += drill.check(findings)
    return findings


def _broken_counts(counts: Counts) -> list[str]:
    return [f"{name.replace('_', ' ')}: {count}" for name, count in asdict(counts).items() if count]


def _facts(drill: Drill, options: Options, stage: Stage, ledger: Ledger, oracle: Oracle) -> dict[str, object]:
    late = ledger.column("late_ms")
    start_ms = stage.start_s * 1000

    def during(fault: FaultTime) -> dict[str, object]:
        times = {"from_s": (fault.from_ms - start_ms) / 1000, "to_s": (fault.to_ms - start_ms) / 1000}
        return {"what": fault.what} | {name: round(value, 1) for name, value in times.items()}

    workers = stage.workers.all
    return {
        "about": drill.about,
        "seed": options.seed,
        "seconds": stage.seconds,
        "rate": options.rate,
        "patients": options.patients,
        "sabotage": options.sabotage,
        "session_timeout_s": stage.settings.session_timeout_s,
        "records": {outcome.name.lower(): ledger.count(outcome) for outcome in Outcome},
        "acknowledged_late_ms_max": int(late.max()) if len(late) else None,
        "log_records": oracle.records,
        "alerts_expected": len(oracle.expected),
        "alerts_in_topic": len(oracle.seen),
        "alerts_repeated_in_topic": len(oracle.seen) - len({seen.value for seen in oracle.seen}),
        "bad_records": len(oracle.rejected),
        "frames_replayed": sum(
            worker.total("vigil_frames_not_judged_total", reason="replayed") for worker in workers
        ),
        "workers_started": len(workers),
        "faults": [during(fault) for fault in stage.faults],
        "examples": oracle.examples,
        **stage.facts,
    }
