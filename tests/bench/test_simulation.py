"""The simulation: production parts keep their promises over many schedules, and broken ones are found out."""

import asyncio
import functools
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents import wiring
from bench.simulation.schedule import simulate
from bench.simulation.worker import Parts
from clinical.limits import NEVER
from streams.kafka.publisher import Publisher
from streams.lane.admission import Admission
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore
from tables.changelog.progress import END_KEY, encode_progress

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 200
TROUBLED = 80
SEEDS_MAX = 400
"""Schedules in which a broken part must be found out; the usual one needs a few dozen."""


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@functools.cache
def undisturbed(seed):
    """Return the outcome of a schedule with production's parts; three tests look at the same ones."""
    return simulate(seed)


def first_broken(parts, promise):
    """Return the first outcome in which a promise that contains this text is broken."""
    for seed in range(SEEDS_MAX):
        outcome = simulate(seed, parts)
        if any(promise in broken for broken in outcome.broken):
            return outcome
    return None


def test_no_schedule_breaks_a_promise():
    broken = {seed: outcome.broken for seed in range(SEEDS) if (outcome := undisturbed(seed)).broken}
    assert broken == {}, f"python -m bench.simulation --seed {min(broken)}"


def test_schedules_are_full_of_trouble():
    happened = [what for seed in range(TROUBLED) for what in undisturbed(seed).happened]
    for trouble in (
        "crash: ",
        "pause: ",
        "continue: ",
        "repeat: ",
        "lose blocks: ",
        "refused",
        "rebalance: ",
    ):
        assert sum(trouble in what for what in happened) > TROUBLED / 8, trouble


class DurableTooEarly(Checkpointer):
    """Ends the checkpoint and says that all is durable before the records have arrived."""

    async def _write(self, partition):
        offset = partition.table.processed + 1
        end = [(END_KEY.encode(), encode_progress(partition.table))]
        await self._publisher.publish_batch(self._changelog, partition.number, end)
        await self._publisher.settled()
        self._declare(partition, offset)
        await super()._write(partition)


class AlertsNotAwaited(Publisher):
    """Sends alerts and forgets them."""

    async def publish(self, topic, key, value, *, partition=None, headers=()):
        return asyncio.ensure_future(await self._send(topic, key, value, partition, headers))


class PositionForgotten(ColumnStore):
    """Recovers state without how far it reaches into the log."""

    async def on_recovery_completed(self, active_tps, standby_tps):
        await super().on_recovery_completed(active_tps, standby_tps)
        for partition in self.partitions.values():
            table = partition.table
            table.position[:] = table.replay_until = NEVER
            table.gone.clear()


class LastRecordWins(ColumnStore):
    """Takes whatever record comes last, as a plain table does."""

    def apply_all(self, partition, entries):
        for patient, record in entries:
            if record is not None:
                self.state(partition).drop(patient)
                self.state(partition).gone.pop(patient, None)
            super().apply_all(partition, [(patient, record)])


class DeletedTooEarly(Checkpointer):
    """Deletes a dropped patient's record although a replay may bring his frames again."""

    def _committed(self, partition):
        return 10**9


class HolesAdmitted(Admission):
    """Takes any block that reaches further than the last."""

    def admit(self, block):
        expected = self.expected
        if expected is None or block.offset < expected:
            return []
        self.expected = block.offset + 1
        return [record for record in block.value if record.offset >= expected]


@pytest.mark.parametrize(
    ("parts", "promise"),
    [
        (Parts(wiring.Parts(checkpointer=DurableTooEarly)), "differs"),
        (Parts(publisher=AlertsNotAwaited), "is lost"),
        (Parts(wiring.Parts(PositionForgotten)), "differs"),
        (Parts(wiring.Parts(LastRecordWins)), "differs"),
        (Parts(wiring.Parts(checkpointer=DeletedTooEarly)), "patient"),
        (Parts(admission=HolesAdmitted), "differs"),
    ],
    ids=["durable too early", "alerts not awaited", "position", "late record", "early tombstone", "holes"],
)
def test_a_broken_part_is_found_out_and_its_seed_replays_exactly(parts, promise):
    outcome = first_broken(parts, promise)
    assert outcome is not None
    assert simulate(outcome.seed, parts) == outcome
    assert undisturbed(outcome.seed).broken == []


def test_a_schedule_is_the_same_in_another_process_whatever_its_hashes():
    """Nothing may depend on the order of a set or on the process."""

    def replay(hash_seed):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-m", "bench.simulation", "--seed", "7"]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    first = replay("1")
    assert "generation 1" in first
    assert replay("2") == first


class NeverWritten(Checkpointer):
    """Fails at each checkpoint, so that each worker dies of its first one."""

    async def _write(self, partition):
        raise RuntimeError("cannot write")


def test_workers_that_keep_dying_end_the_schedule_with_the_reason():
    [broken] = simulate(3, Parts(wiring.Parts(checkpointer=NeverWritten))).broken
    assert broken.startswith("workers keep dying: checkpoint of partition")
    assert "cannot write" in broken
