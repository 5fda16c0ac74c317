"""Faults of the history: its process killed over and over under load, and then compared with the topics."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

from kafka import TopicPartition

from bench.drills.findings import Findings
from bench.drills.stage import Stage
from edge.brokers.tether import spawn
from edge.history.chain import Broken, first_broken
from edge.history.disk import held
from edge.history.file_names import HOUR
from edge.history.ledger import folder, open_ledger, readings_folder
from edge.history.shelf import Shelf
from edge.history.verify import files_are_whole, verify
from edge.options import with_changes
from edge.project import ROOT
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.decoding.decoded import Frames
from streams.decoding.decoder import Decoder
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of
from streams.kafka.log_search import read_between

KILLS: Final = 50
ALIVE_S: Final = (0.2, 3.0)
"""How long a process lives after its first sign of life: less than a merge, and several puts."""

BEGIN_S_MAX: Final = 40.0
CATCH_UP_S_MAX: Final = 60.0
POLL_S: Final = 0.1


def kill_the_history(stage: Stage) -> None:
    """Kill the process with -9 at random moments while it reads, puts down, merges and thins; then compare."""
    settings = with_changes(
        stage.settings,
        history_dir=stage.folder / "history",
        history_flush_s=1.0,
        history_merge_s=1.5,
        history_metrics_port=0,
    )
    kills = 0
    with stage.fault(f"the history is killed {KILLS} times"):
        while kills < KILLS:
            with _running(stage, settings) as process:
                time.sleep(stage.rng.uniform(*ALIVE_S))
                process.kill()
            kills += 1
    stage.sleep_until(1.0)
    with _running(stage, settings) as process:
        if left := _wait_caught_up(settings):
            stage.broken.append(
                f"the history has not put down {left} frames {CATCH_UP_S_MAX:g} s after the load"
            )
        process.terminate()
        if (code := process.wait(CATCH_UP_S_MAX)) != 0:
            stage.broken.append(f"the history ended with {code}, not 0, when told to stop")
    _compare(stage, settings, kills)


@contextlib.contextmanager
def _running(stage: Stage, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run the history until the `with` block ends it; inside, it has begun to write."""
    log = stage.folder / "history.log"
    with log.open("ab") as output:
        begun = output.tell()
        environment = {**os.environ, **settings.environment(), "PYTHONPATH": str(ROOT)}
        process = spawn([sys.executable, "-Pm", "edge", "history", "run"], output, environment)
    try:
        deadline_s = time.monotonic() + BEGIN_S_MAX
        while b"writing to" not in log.read_bytes()[begun:] and process.poll() is None:
            if time.monotonic() > deadline_s:
                stage.broken.append(f"the history did not begin within {BEGIN_S_MAX:g} s")
                break
            time.sleep(POLL_S)
        if process.poll() is not None:
            stage.broken.append(f"the history ended by itself: {log.read_text()[-300:]}")
        yield process
    finally:
        process.kill()
        process.wait(CATCH_UP_S_MAX)


def _wait_caught_up(settings: Settings) -> int:
    """Wait until the history has put down every frame that is in the readings now; return how many it has not.

    Workers go on with ticks and their canaries' frames, which never end.
    """
    deadline_s = time.monotonic() + CATCH_UP_S_MAX
    with contextlib.closing(connect_consumer(settings)) as consumer:
        topic = settings.topic(READINGS)
        tps = [TopicPartition(topic, number) for number in range(settings.partitions)]
        ends = ends_of(consumer, tps)
        while (left := _frames_left(settings, consumer, ends)) and time.monotonic() < deadline_s:
            time.sleep(1.0)
    return left


def _frames_left(settings: Settings, consumer: Any, ends: dict[TopicPartition, int]) -> int:
    positions, left = _positions(settings), 0
    for tp, end in ends.items():
        records = list(read_between(consumer, {tp: positions.get(tp.partition, 0)}, {tp: end}))
        parts = Decoder(with_copies=True).decode(records).parts if records else []
        left += sum(len(part) for part in parts if isinstance(part, Frames))
    return left


def _positions(settings: Settings) -> dict[int, int]:
    from edge.history.verify import Files

    return Files(readings_folder(settings)).index.positions()


def _compare(stage: Stage, settings: Settings, kills: int) -> None:
    with contextlib.closing(open_ledger(settings)) as ledger:
        found = verify(settings, ledger)
        chain = first_broken(ledger.rows())
    stage.broken += [line for one in found for line in one.lines()]
    stage.broken += list(files_are_whole(readings_folder(settings)))
    if isinstance(chain, Broken):
        stage.broken.append(f"the ledger's chain is broken: {chain.what}")
    with held(folder(settings)):
        shelf = Shelf(readings_folder(settings))
    stage.facts |= {
        "history_kills": kills,
        "history_compared": sum(one.compared for one in found),
        "history_hours": len(shelf.index.of_kind(HOUR)),
        "history_chain": str(chain),
    }
    stage.say(f"history: {stage.facts['history_compared']} records compared after {kills} kills")


def something_was_compared(findings: Findings) -> list[str]:
    """Name what makes the comparison worth nothing."""
    compared = findings.facts.get("history_compared")
    return (
        [] if isinstance(compared, int) and compared > 10_000 else [f"only {compared} records were compared"]
    )
