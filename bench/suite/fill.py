"""The log that is drained: frames of 10,000 patients in the order of time, with ticks, and marks of progress.

A mark is a frame of the harness's own patients whose alarm every system must raise at once. They stand in every
partition after each `1/MARKS` of it, so that the alerts tell from outside how far a system has come.
"""

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
from streams.frames import TICK_KEY, encode_tick

START_MS: Final = 1_700_000_000_000
BATCH_FRAMES: Final = 80
"""Fills a producer's usual batch of 16 KiB."""

MARKS: Final = 40
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

    @property
    def slices(self) -> int:
        """Into how many parts each round is cut, so that a short log has room for all marks."""
        return -(-MARKS // self.rounds)

    @property
    def marks(self) -> int:
        """Marks in each partition."""
        return min(MARKS, self.rounds * self.slices)


def mark_patient(partition: int, number: int, marks: int) -> str:
    """Return the patient of a partition's `number`-th mark, counted from 1."""
    return f"end-{partition}" if number == marks else f"begin-{partition}-{number}"


def mark_of(patient: str, marks: int) -> tuple[int, int]:
    """Return partition and number of a mark."""
    kind, partition, *number = patient.split("-")
    return int(partition), int(number[0]) if kind == "begin" else marks


def fill(broker: str, topic: str, log: Log, start_ms: int = START_MS) -> Ints:
    """Write the log into an empty topic; return the frames up to each mark, shape (partitions, marks + 1)."""
    done = np.zeros((log.partitions, log.marks + 1), dtype=np.int64)
    with Sender(broker, 1) as sender:
        sender.at_once(log_requests(topic, log, done, start_ms))
    return done


def log_requests(topic: str, log: Log, done: Ints, start_ms: int) -> Iterator[Request]:
    random = np.random.default_rng(7)
    levels = CALM + random.integers(-SPREAD, SPREAD + 1, (log.patients, len(CALM)))
    sick = np.arange(log.patients) % SICK_ONE_IN == 0
    of = places(log.patients, log.partitions)
    encoder = Encoder(start_ms)
    number, mark, turns = 0, 0, log.rounds * log.slices
    for turn in range(turns):
        round_, part = divmod(turn, log.slices)
        some = np.arange(part * log.patients // log.slices, (part + 1) * log.patients // log.slices)
        ill = sick[some] & (round_ % EPISODE_EVERY_S < EPISODE_S)
        values = np.where(ill[:, None], SICK, levels[some])
        values = values + random.integers(-NOISE, NOISE + 1, values.shape)
        values[:, 2] = np.minimum(values[:, 2], 99)
        event_ms = round_ * log.interval_ms + some * log.interval_ms // log.patients
        tails = encoder.tails(Frames(event_ms, event_ms, some, values.astype(np.int16)))
        at_mark = (turn + 1) * log.marks // turns > mark
        mark += at_mark
        columns = []
        for partition in range(log.partitions):
            rows = np.flatnonzero(of[some] == partition)
            done[partition, mark + (not at_mark) :] += len(rows)
            closing = []
            if at_mark:
                patient = mark_patient(partition, mark, log.marks).encode()
                closing.append((patient, frame_value(patient, 1, start_ms + int(event_ms[-1]), MARK_VALUES)))
            if part == log.slices - 1:
                closing.append((TICK_KEY, encode_tick(start_ms + (round_ + 1) * log.interval_ms)))
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
