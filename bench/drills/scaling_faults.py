"""Giving the readings more partitions under load, with the command killed at each of its steps."""

import subprocess
import sys
from contextlib import closing
from typing import Any, Final

from bench.drills.crashing_scale import CRASH_CODE
from bench.drills.findings import Findings
from bench.drills.oracle import Oracle
from bench.drills.orders import accepted, give_orders
from bench.drills.read_back import read_back
from bench.drills.scaled_log import Part, feed, forwarding_faults
from bench.drills.stage import Stage
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.layout import Generation, Phase
from streams.contracts.topics import READINGS
from streams.errors import VigilError
from streams.kafka.connect import connect_admin
from streams.kafka.layout_log import in_generation, read_layout

PARTITIONS: Final = 4
TIMES: Final = (
    (0.15, 2, ("before-prepare", "after-prepare", "after-drain", "before-open")),
    (0.5, 3, ("before-drain", "in-split", "before-move", "after-move", "after-open")),
)
"""At which share of the load, by which factor, and where the command is killed meanwhile."""

ORDERS_BEFORE: Final = 0.05
"""Orders are given so long before, as a share of the load: pauses and what was asked last into the scaling."""

STEP_S_MAX: Final = 90.0
SILENT_S_MAX: Final = 10.0
KINDS: Final = ("accept", "acknowledge", "pause", "set-limits")
"""Orders without which the drill shows nothing of them."""


def scale_partitions(stage: Stage) -> None:
    """Scale twice, to six times the partitions, and resume what was killed."""
    for share, factor, points in TIMES:
        stage.sleep_until(share - ORDERS_BEFORE)
        give_orders(stage)
        stage.sleep_until(share)
        with stage.fault(f"{factor} times the partitions, killed at {', '.join(points)}"):
            begun = False
            for point in points:
                _scale(stage, point, *(("--resume",) if begun else ("--factor", str(factor))))
                begun = read_layout(stage.settings).phase not in (Phase.SETTLED, Phase.OPEN)
            _scale(stage, None, *(("--resume",) if begun else ("--status",)))
            stage.workers.wait_ready()
        stage.say(f"{read_layout(stage.settings).phase}")
    stage.facts["orders"] = accepted(stage)
    stage.facts["generations"] = [each.factor for each in read_layout(stage.settings).generations]


def _scale(stage: Stage, point: str | None, *options: str) -> None:
    """Run the command to its end, or until it dies at a point."""
    program = ["edge", "scale"] if point is None else ["bench.drills.crashing_scale", point]
    command = [sys.executable, "-P", "-m", *program, *options]
    done = subprocess.run(
        command,
        env=worker_environment(stage.settings),
        capture_output=True,
        text=True,
        timeout=STEP_S_MAX,
        check=False,
    )
    said = done.stderr.strip().replace("\n", "; ")
    stage.say(f"scale {' '.join(options)}: {said}" + (f", killed {point}" if point else ""))
    if done.returncode != (0 if point is None else CRASH_CODE):
        raise VigilError(f"scale ended with {done.returncode} {point or ''}: {said}")


def scaled_readings(stage: Stage, oracle: Oracle) -> list[int]:
    """Have the oracle judge the readings of all generations as one log; return by how much offsets are shifted."""
    layout = read_layout(stage.settings)
    parts = [_read(stage.settings, each, each == layout.generations[-1]) for each in layout.generations]
    lost, twice, disordered = forwarding_faults(parts)
    stage.facts["forwarded"] = sum(len(part.behind(p)) for part in parts for p in range(len(part.records)))
    for count, what in ((lost, "lost"), (twice, "written twice"), (disordered, "in another order")):
        if count:
            stage.broken.append(f"forwarded frames {what}: {count}")
    return feed(oracle, parts)


def _read(settings: Settings, generation: Generation, is_last: bool) -> Part:
    of = in_generation(settings, generation)
    records: list[list[Any]] = [[] for _ in range(of.reading_partitions)]
    read_back(
        of.brokers, of.topic(READINGS), of.reading_partitions, lambda p, found: records[p].extend(found)
    )
    if is_last:
        return Part(records, None)
    with closing(connect_admin(of)) as admin:
        found = admin.list_group_offsets(of.judging_group).get(of.judging_group, {})
    cuts = {tp.partition: place.offset for tp, place in found.items() if tp.topic == of.topic(READINGS)}
    return Part(records, [max(0, cuts.get(number, 0)) for number in range(of.reading_partitions)])


def silent_no_longer_than_promised(found: Findings) -> list[str]:
    """Nothing is judged for at most `SILENT_S_MAX`, and alarms were paused and answered for meanwhile."""
    broken = []
    if found.gap_s > SILENT_S_MAX:
        broken.append(f"silent for {found.gap_s:.1f} s, more than {SILENT_S_MAX:g} s")
    if idle := sorted(kind for kind in KINDS if not found.facts["orders"].get(kind)):
        broken.append(f"no {' or '.join(idle)} was accepted: nothing was tested")
    return broken
