"""Before anything is measured: ten minutes of seeded frames through each system, its alerts beside the reference's.

The frames wander over every limit of the bench, with readings that are missing (null) or not measured (absent).
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from bench.peers.defaults import NEWS2
from bench.peers.equality import differences, expected_starts
from bench.peers.reference import starts
from bench.peers.spec import MARKER, SIGNALS
from bench.suite.alerts_reader import AlertsReader, Told
from bench.suite.fill import MARK_VALUES, START_MS
from bench.suite.sender import Sender
from bench.suite.stage import Stage
from bench.suite.systems import RULES, System
from bench.suite.wire import Request, batch_of_records, frame_value, patient_id, places, produce_request
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.topics import ALERTS
from streams.errors import VigilError

SECONDS: Final = 600
PATIENTS: Final = 60
USUAL: Final = np.array([85, 75, 97, 16, 125, 70, 90])
JITTER: Final = np.array([2, 8, 1, 1, 8, 3, 3])
SWING: Final = np.array([45, 0, 0, 0, 0, 25, 25])
"""Signals that no score uses wander over their limits and back in waves."""

ILL: Final = (
    {"resp": 34, "spo2": 86},
    {"abp_sys": 80, "pulse": 135},
    {"resp": 6, "spo2": 76, "abp_sys": 190, "pulse": 45},
    {"spo2": 88},
)
"""What is wrong with a patient in a spell, one kind each, so that the score has two levels. Between two levels
above zero Vigil tells the change where peers tell nothing, and may end an alarm earlier."""

SPELL_S: Final = (2, 40)
NULL_SHARE, ABSENT_SHARE = 0.03, 0.03
SCORED_S: Final = NEWS2.every_ms // 1000
POLL_S: Final = 0.2
QUIET_S: Final = 3.0
"""Without an alert for so long after all ends were told, nothing more is expected."""
STILL_S_MAX: Final = 60.0
"""A system that tells nothing for so long is stuck; the first alert includes its start."""
DEADLINE_S: Final = 600.0


def frames(patients: int = PATIENTS) -> Iterator[list[dict[str, Any]]]:
    """Yield the frames of each second, as dictionaries, one of each patient."""
    random = np.random.default_rng(4)
    wave = (
        random.uniform(0, 2 * np.pi, (patients, len(SIGNALS))),
        random.uniform(20, 200, (patients, len(SIGNALS))),
    )
    ill = np.array([[ILL[i % len(ILL)].get(name, -1) for name in SIGNALS] for i in range(patients)])
    spell = np.zeros(patients, dtype=bool)
    until_s = random.integers(*SPELL_S, patients)
    for second in range(SECONDS):
        # Peers score at the first frame of a stretch, Vigil at the tick before it: both must see the same.
        scored = second % SCORED_S in (0, SCORED_S - 1)
        turn = (until_s <= second) & (not scored)
        spell ^= turn
        until_s[turn] = second + random.integers(*SPELL_S, int(turn.sum()))
        values = USUAL + SWING * np.sin(2 * np.pi * second / wave[1] + wave[0])
        values = np.where(spell[:, None] & (ill >= 0), ill, values)
        values = values + np.where(ill >= 0, 0, random.integers(-JITTER, JITTER + 1, values.shape))
        fate = np.full(values.shape, 0.5) if scored else random.random(values.shape)
        yield [
            {
                "patient": patient_id(i).decode(),
                "device": f"m{i:06d}",
                "boot": 1,
                "seq": second,
                "event_ts_ms": START_MS + second * 1000 + i * 1000 // patients,
            }
            | {
                name: None if fate[i, k] < NULL_SHARE else round(float(values[i, k]))
                for k, name in enumerate(SIGNALS)
                if fate[i, k] < 1 - ABSENT_SHARE
            }
            for i in range(patients)
        ]


def expected(patients: int = PATIENTS) -> list[tuple[str, str, int, int]]:
    """Return the reference's starts."""
    every = (frame for second in frames(patients) for frame in second)
    return expected_starts(starts(RULES, NEWS2, every))


def fill_log(broker: str, topic: str, partitions: int, patients: int = PATIENTS) -> None:
    """Write the frames with ticks and an end mark in each partition."""
    of = places(patients, partitions).tolist()

    def records() -> Iterator[Request]:
        for second, batch in enumerate(frames(patients)):
            now_ms = START_MS + (second + 1) * 1000
            columns: list[list[tuple[bytes, bytes]]] = [[] for _ in range(partitions)]
            for place, frame in zip(of, batch, strict=True):
                columns[place].append((frame["patient"].encode(), json.dumps(frame).encode()))
            for place, column in enumerate(columns):
                if second < SECONDS - 1:
                    column.append((TICK_KEY, encode_tick(now_ms)))
                else:  # a tick here would score once more than the peers' last frame does
                    end = f"end-{place}".encode()
                    column.append((end, frame_value(end, 1, now_ms, MARK_VALUES)))
            batches = [(place, batch_of_records(column, now_ms)) for place, column in enumerate(columns)]
            yield Request(0, 0, produce_request(topic, batches, second))

    with Sender(broker, 1) as sender:
        sender.at_once(records())


def check(
    stage: Stage, system: System, prefix: str, partitions: int, wanted: list[tuple[str, str, int, int]]
) -> dict[str, Any]:
    """Run a system on the filled topic and return how its starts compare with the reference's."""
    with (
        AlertsReader(stage.broker, prefix + ALERTS, partitions) as reader,
        stage.run(system, prefix, partitions, recorded=True) as running,
    ):
        told: list[Told] = []
        deadline_s, quiet_from_s = time.monotonic() + DEADLINE_S, float("inf")
        moved_s = time.monotonic()
        while time.monotonic() - quiet_from_s < QUIET_S:
            some = reader.poll(POLL_S)
            told += some
            moved_s = time.monotonic() if some else moved_s
            if some or quiet_from_s == float("inf"):
                ended = sum(alert.rule == MARKER and alert.phase == "start" for alert in told) >= partitions
                quiet_from_s = time.monotonic() if ended else float("inf")
            running.check()
            if time.monotonic() > min(deadline_s, moved_s + STILL_S_MAX):
                raise VigilError(f"{system.name} was not done: it told {len(told)} alerts, then none")
    found = [(one.patient, one.rule, one.onset_ms, one.event_ms) for one in told if one.phase == "start"]
    found = [start for start in found if start[1] != MARKER]
    rules = [rule.id for rule in RULES if rule.id != MARKER]
    sentences = differences(found, wanted, NEWS2, rules)
    kinds = Counter(start[1] for start in wanted)
    return {"equal": not sentences, "starts": len(wanted), "rules": len(kinds), "differences": sentences[:20]}
