"""Faults of ownership: workers come and go under load, one sleeps and wakes as a zombie, the state is deleted."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from bench.drills.fault import ALL, Claim, Fault, working
from bench.drills.faults import delete_records, remove_folder, stopped
from bench.drills.findings import Findings
from bench.drills.read_back import read_back
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running, wait_in_service
from streams.kafka.admin import changelog_topic
from tables.changelog.progress import END_KEY
from tables.changelog.record_layout import position_of

BEGIN: Final = 0.15
WORKERS: Final = (4, 2)
"""From one worker to so many, and then back to so many."""

SCALE_LATENCY_S_MAX: Final = 15.0
SERVICE_S_MAX: Final = 60.0
ZOMBIE_SESSIONS: Final = 1.6
"""Session timeouts that a zombie sleeps: others have taken over, and its watchdog lets it go on."""

ZOMBIE_LONG_S: Final = 60.0
"""Longer than the watchdog allows: it ends when it wakes."""

ZOMBIE_LATENCY_S: Final = 15.0
"""What may come on top of the session timeout until the others have taken over."""


@contextlib.contextmanager
def asleep(stage: Stage) -> Iterator[str]:
    """A worker's process stands still; healed, it goes on, a zombie if others have taken over."""
    zombie = stage.rng.choice(stage.workers.running)
    with stopped(zombie.process.pid):
        yield f"worker {zombie.index} sleeps"


@contextlib.contextmanager
def state_gone(stage: Stage) -> Iterator[str]:
    """All workers are killed, folder and changelog deleted; healed, as many start with nothing."""
    count = len(stage.workers.running)
    try:
        _kill_all(stage)
        remove_folder(stage.settings.data_dir / stage.settings.group)
        delete_records(stage.settings, changelog_topic(stage.settings))
        yield "all workers killed, state folder and changelog deleted"
    finally:
        _start(stage, count)


@contextlib.contextmanager
def changelog_gone(stage: Stage) -> Iterator[str]:
    """The changelog is deleted under running workers; healed, all of them are killed and started again."""
    delete_records(stage.settings, changelog_topic(stage.settings))
    yield "changelog deleted under running workers, which are killed later"
    count = len(stage.workers.running)
    _kill_all(stage)
    _start(stage, count)


ZOMBIE: Final = Fault(
    "zombie", asleep, (ZOMBIE_LONG_S / 4, ZOMBIE_LONG_S), 10.0 + ZOMBIE_LATENCY_S, frozenset({Claim.WORKER})
)
STATE_GONE: Final = Fault("state-lost", state_gone, (1.0, 5.0), SERVICE_S_MAX, ALL)
CHANGELOG_GONE: Final = Fault("changelog-lost", changelog_gone, (10.0, 30.0), SERVICE_S_MAX, ALL)


def scale(stage: Stage) -> None:
    """Go from one worker to four, and back to two."""
    most, least = WORKERS
    stage.sleep_until(BEGIN)
    with stage.fault(f"1 to {most} workers"):
        while len(stage.workers.running) < most:
            stage.workers.start()
        wait_in_service(stage, SERVICE_S_MAX)
    stage.sleep_until(0.55)
    with stage.fault(f"{most} to {least} workers"):
        leaving = stage.workers.running[:-least]
        stage.workers.terminate(*leaving)
        stage.broken += [
            f"worker {worker.index} ended with {worker.exit_code}, not 0"
            for worker in leaving
            if worker.exit_code != 0
        ]
        wait_in_service(stage, SERVICE_S_MAX)
    keep_running(stage, stage.left_s)


def make_zombies(stage: Stage) -> None:
    """Stop a worker while another takes over, and let it go on: for a while, and longer than its watchdog allows."""
    short_s = ZOMBIE_SESSIONS * stage.settings.session_timeout_s
    stage.sleep_until(BEGIN)
    sleeps = [short_s]
    if stage.left_s > 2 * short_s + ZOMBIE_LONG_S + 2 * SERVICE_S_MAX:
        sleeps = [short_s, ZOMBIE_LONG_S, short_s]
    for sleep_s in sleeps:
        with working(stage, ZOMBIE) as wake:
            time.sleep(sleep_s)
            wake()
            keep_running(stage, 2.0)
            wait_in_service(stage, SERVICE_S_MAX)
        keep_running(stage, stage.rng.uniform(1.0, 4.0))
    stage.facts["sleeps_s"] = sleeps
    keep_running(stage, max(stage.left_s, 3 * stage.settings.checkpoint_interval_s))
    check_what_compaction_keeps(stage)
    stage.facts["partitions_rebuilt"] = rebuilt = _rebuilt(stage)
    if rebuilt:
        stage.broken.append(f"the state of {rebuilt:.0f} partitions was not read from the changelog")


def lose_the_state(stage: Stage) -> None:
    """Delete folder and changelog while no worker runs; later the changelog under running workers, and kill them."""
    stage.sleep_until(2 * BEGIN)
    with working(stage, STATE_GONE) as start_again:
        start_again()
        wait_in_service(stage, SERVICE_S_MAX)
    keep_running(stage, 2 * stage.settings.checkpoint_interval_s)
    with working(stage, CHANGELOG_GONE) as kill_and_start_again:
        keep_running(stage, 2 * stage.settings.checkpoint_interval_s)  # they have checkpointed since
        kill_and_start_again()
        wait_in_service(stage, SERVICE_S_MAX)
    keep_running(stage, stage.left_s)
    stage.facts["partitions_rebuilt"] = _rebuilt(stage)


def check_what_compaction_keeps(stage: Stage) -> None:
    """Note each patient of whom the last record in the changelog is older than one before it."""
    newest: dict[bytes, int] = {}
    last: dict[bytes, int] = {}

    def take(_: int, records: Sequence[Any]) -> None:
        for record in records:
            if record.key != END_KEY.encode() and record.value is not None:
                last[record.key] = position = position_of(record.value)
                newest[record.key] = max(position, newest.get(record.key, position))

    settings = stage.settings
    read_back(settings.brokers, changelog_topic(settings), settings.partitions, take)
    if older := [key for key, position in last.items() if position < newest[key]]:
        stage.broken.append(
            f"{len(older)} patients' last record in the changelog is older than one before it"
        )
    stage.facts["patients_in_changelog"] = len(last)


def no_later_than_a_rebalance(found: Findings) -> list[str]:
    """Workers that come and go in order delay no alert for longer than a rebalance may take."""
    return _later_than(found, SCALE_LATENCY_S_MAX)


def no_later_than_a_takeover(found: Findings) -> list[str]:
    """A worker that sleeps is replaced as one that died."""
    return _later_than(found, float(found.facts["session_timeout_s"]) + ZOMBIE_LATENCY_S)


def all_was_rebuilt(found: Findings) -> list[str]:
    """The state of some partition was missing, and that was noticed."""
    return [] if found.facts["partitions_rebuilt"] else ["no worker noticed that its state was missing"]


def _rebuilt(stage: Stage) -> float:
    return sum(worker.total("vigil_partitions_rebuilt_total") for worker in stage.workers.all)


def _kill_all(stage: Stage) -> None:
    for worker in stage.workers.running:
        stage.workers.kill(worker)


def _start(stage: Stage, count: int) -> None:
    for _ in range(count):
        stage.workers.start()


def _later_than(found: Findings, bound_s: float) -> list[str]:
    late_s = found.latency_max_s()
    return [f"an alert came {late_s:.1f} s late, more than {bound_s:g} s"] if late_s > bound_s else []
