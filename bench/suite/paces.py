"""How long each measurement is expected to take on the reference machine with nothing else on it."""

from dataclasses import dataclass
from typing import Final

from bench.suite import growth
from bench.suite.burst import HEADLINE_FACTOR, Bursts
from bench.suite.driver import FRAMES_MAX, lead_s
from bench.suite.equality import PATIENTS, QUIET_S, SECONDS
from bench.suite.open_loop import WARM_FRAMES
from bench.suite.sustainable import WINDOW_S
from bench.suite.systems import System

SETUP_S: Final = 40.0
"""Kafka's start, the log that is drained, the rehearsal of the bursts and the report."""
FILLED_A_SECOND: Final = 300_000
STEPS_EXPECTED: Final = 6
STEP_S: Final = 2.0
"""Of a search, and what one takes beside its window and its encoding."""
TAIL_S: Final = 5.0
"""Until what a burst has left is worked off."""
RECOVERY_S: Final = 5.0
RECOVERED_A_SECOND: Final = 10_000
"""A recovery: the worker's start and stop, and patients a second, with their writing before."""
BLOCKS_S: Final = 6.0
TAKEOVER_S: Final = 50.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What a system is expected to take: its start and stop, s, and frames/s on the wall."""

    start_s: float
    drain_hz: float
    sustained_hz: float


PACES: Final = {
    "vigil": Pace(12, 450_000, 400_000),
    "vigil-1": Pace(11, 220_000, 200_000),
    "faust": Pace(17, 4_200, 3_800),
    "quix": Pace(9, 85_000, 50_000),
    "bytewax": Pace(5, 180_000, 110_000),
    "kafka-streams": Pace(10, 430_000, 390_000),
    "flink": Pace(8, 500_000, 500_000),
    "raw-aiokafka": Pace(3, 700_000, 0),
    "raw-librdkafka": Pace(3, 270_000, 0),
}


def equality_s(system: System) -> float:
    """Return how long a system takes for the frames that everybody's alerts are compared by."""
    pace = PACES[system.name]
    return pace.start_s + PATIENTS * SECONDS / pace.drain_hz + QUIET_S


def drain_s(system: System, scale: float) -> float:
    """Return how long a drain takes; `scale` is of its length."""
    pace = PACES[system.name]
    return pace.start_s + scale * system.drain_frames / pace.drain_hz


def sustainable_s(system: System) -> float:
    """Return how long a search takes."""
    pace = PACES[system.name]
    return _warm_s(pace) + STEPS_EXPECTED * (WINDOW_S + lead_s(pace.sustained_hz * WINDOW_S) + STEP_S)


def burst_s(system: System, base_hz: float, bursts: Bursts) -> float:
    """Return how long a run takes; none where the system does not sustain the base, because it is not run."""
    pace = PACES[system.name]
    if pace.sustained_hz < base_hz:
        return 0.0
    frames = min(bursts.plan(base_hz, HEADLINE_FACTOR, 1).frames_about, FRAMES_MAX)
    return _warm_s(pace) + bursts.length_s + lead_s(frames) + TAIL_S


def growth_s(patients: int, partitions: int) -> float:
    """Return how long a point of growth takes."""
    pace, frames = PACES[growth.SYSTEM], growth.log_of(patients, partitions).frames
    once_s = pace.start_s + frames / pace.drain_hz + RECOVERY_S + patients / RECOVERED_A_SECOND
    return frames / FILLED_A_SECOND + growth.repeats(patients, partitions) * once_s


def memory_s(patients: int) -> float:
    """Return how long it takes until so many patients' windows are full."""
    pace, frames = PACES[growth.SYSTEM], growth.memory_log(patients).frames
    return frames / FILLED_A_SECOND + pace.start_s + frames / pace.drain_hz


def _warm_s(pace: Pace) -> float:
    return pace.start_s + WARM_FRAMES / pace.drain_hz
