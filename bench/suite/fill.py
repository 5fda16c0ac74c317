"""The log that is drained: frames of 10,000 patients in the order of time, with ticks, and marks of progress.

A mark is a frame of the harness's own patients whose alarm every system must raise at once. They stand in every
partition, so that the alerts tell from outside how far a system has come. One log serves all systems: a slow one
is measured up to an earlier mark.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.load import EPISODE_EVERY_S, EPISODE_S, SICK_ONE_IN
from bench.suite.arrivals import CALM, NOISE, SPREAD, Frames, Ints
from bench.suite.sender import Sender
from bench.suite.wire import (
    Bytes,
    Encoder,
    Request,
    batch_of_frames,
    batch_of_records,
    frame_value,
    places,
    produce_request,
)
from streams.contracts.frame import TICK_KEY, encode_tick

START_MS: Final = 1_700_000_000_000
BATCH_FRAMES: Final = 80
"""Fills a producer's usual batch of 16 KiB."""

FINE_ROUNDS: Final = 10
FINE_SLICES: Final = 4
COARSE_ROUNDS: Final = 4
"""A mark after each quarter of the first ten rounds, for systems that drain little, then one every four rounds."""

MARK_VALUES: Final = {
    "hr": 260,
    "pulse": 80,
    "spo2": 97,
    "resp": 16,
    "abp_sys": 120,
    "abp_dia": 75,
    "abp_mean": 90,
}
SICK: Final = np.array([45, 45, 86, 34, 125, 75, 88])
"""What readings are about in an episode: slow heart, low oxygen, fast breathing."""
CONNECTION: Final = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """A frame of each patient from `first` up to `last` in one round, and whether a mark follows."""

    round_: int
    first: int
    last: int
    marked: bool


@dataclass(frozen=True, slots=True)
class Log:
    """What a topic is filled with: a frame of each patient and then a tick, `rounds` times, `interval_ms` apart."""

    frames: int
    patients: int = 10_000
    partitions: int = 8
    interval_ms: int = 1_000

    @property
    def rounds(self) -> int:
        """How many frames each patient has."""
        return max(1, self.frames // self.patients)

    def turns(self) -> list[Turn]:
        """Return the parts in which the log is written: whole rounds, the first ones in slices."""
        found = []
        for round_ in range(self.rounds):
            slices = FINE_SLICES if round_ < FINE_ROUNDS else 1
            edges = [part * self.patients // slices for part in range(slices + 1)]
            marked = slices > 1 or (round_ + 1) % COARSE_ROUNDS == 0 or round_ == self.rounds - 1
            found += [Turn(round_, first, last, marked) for first, last in itertools.pairwise(edges)]
        return found

    @property
    def marks(self) -> int:
        """Marks in each partition."""
        return sum(turn.marked for turn in self.turns())


def mark_patient(partition: int, number: int, marks: int) -> str:
    """Return the patient of a partition's `number`-th mark, counted from 1."""
    return f"end-{partition}" if number == marks else f"begin-{partition}-{number}"


def mark_of(patient: str, marks: int) -> tuple[int, int]:
    """Return partition and number of a mark."""
    kind, partition, *number = patient.split("-")
    return int(partition), int(number[0]) if kind == "begin" else marks


def mark_at(done: Ints, frames: float) -> int:
    """Return the number of the first mark with at least so many frames up to it in all partitions, or the last."""
    return int(np.minimum(np.searchsorted(done.sum(axis=0), frames), done.shape[1] - 1))


def fill(broker: str, topic: str, log: Log, start_ms: int = START_MS) -> Ints:
    """Write the log into an empty topic; return the frames up to each mark, shape (partitions, marks + 1)."""
    done = np.zeros((log.partitions, log.marks + 1), dtype=np.int64)
    with Sender(broker, 1) as sender:
        sender.at_once(log_requests(topic, log, done, start_ms))
    return done


def log_requests(topic: str, log: Log, done: Ints, start_ms: int) -> Iterator[Request]:
    """Yield the log's requests in order and count in `done` the frames up to each mark."""
    random = np.random.default_rng(7)
    levels = CALM + random.integers(-SPREAD, SPREAD + 1, (log.patients, len(CALM)))
    levels[:, 1] = levels[:, 0]  # the pulse is the same heart's
    sick = np.arange(log.patients) % SICK_ONE_IN == 0
    of = places(log.patients, log.partitions)
    encoder = Encoder(start_ms)
    number, mark, marks = 0, 0, log.marks
    for turn in log.turns():
        some = np.arange(turn.first, turn.last)
        ill = sick[some] & (turn.round_ % EPISODE_EVERY_S < EPISODE_S)
        values = np.where(ill[:, None], SICK, levels[some])
        values = values + random.integers(-NOISE, NOISE + 1, values.shape)
        values[:, 2] = np.minimum(values[:, 2], 99)
        event_ms = turn.round_ * log.interval_ms + some * log.interval_ms // log.patients
        tails = encoder.tails(Frames(event_ms, event_ms, some, values.astype(np.int16)))
        mark += turn.marked
        columns = []
        for partition in range(log.partitions):
            rows = np.flatnonzero(of[some] == partition)
            done[partition, mark + (not turn.marked) :] += len(rows)
            closing = []
            if turn.marked:
                patient = mark_patient(partition, mark, marks).encode()
                closing.append((patient, frame_value(patient, 1, start_ms + int(event_ms[-1]), MARK_VALUES)))
            if turn.last == log.patients:
                closing.append((TICK_KEY, encode_tick(start_ms + (turn.round_ + 1) * log.interval_ms)))
            columns.append(_batches(tails[rows], closing, start_ms + int(event_ms[-1])))
        for turn_of_batches in range(max(map(len, columns))):
            sent = [
                (partition, batches[turn_of_batches])
                for partition, batches in enumerate(columns)
                if turn_of_batches < len(batches)
            ]
            yield Request(0, CONNECTION, produce_request(topic, sent, number))
            number += 1


def _batches(tails: Bytes, closing: list[tuple[bytes, bytes]], now_ms: int) -> list[bytearray]:
    """Return one partition's batches: its frames, and what closes the stretch."""
    batches = [
        batch_of_frames(tails[first : first + BATCH_FRAMES], now_ms)
        for first in range(0, len(tails), BATCH_FRAMES)
    ]
    return [*batches, batch_of_records(closing, now_ms)] if closing else batches
