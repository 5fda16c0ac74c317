"""What was measured, where that stands, and the share of it that a plan uses."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.suite.wire import FRAME_BYTES
from streams.errors import BadData

REPORT: Final = Path(__file__).resolve().parents[1] / "report.json"


class Given(NamedTuple):
    """A number, its unit, and where it stands."""

    value: float
    unit: str
    source: str


WORKER_BYTES: Final = Given(165e6, "B", "docs/performance.md: a worker before it has patients")
PATIENT_BYTES: Final = Given(16.0 * 1024, "B", "docs/performance.md: a patient with one device")
PATIENT_BYTES_OF_FOUR: Final = Given(28.2 * 1024, "B", "docs/performance.md: a patient with four devices")
GATEWAY_ONE_HZ: Final = Given(10_400, "frames/s and core", "docs/performance.md: HTTP, frame by frame")
HISTORY_S: Final = Given(
    17.2e-6, "s of a core a frame", "docs/history.md: 1.72 % of a core at 1,000 frames/s"
)
TICK_S: Final = Given(
    0.36e-6, "s a patient", "bench/experiments.md at 167cd02: a tick that looks at everything"
)
RECORD_S: Final = Given(
    47e-6, "s a record", "bench/experiments.md: encoding of a patient's state, three devices"
)
SEND_S: Final = Given(5.5e-6, "s a record", "docs/design.md: a checkpoint's record sent in a batch")
SHOWN_S: Final = Given(
    90e-6, "s a record", "bench/experiments.md: what boards read of a patient, three devices"
)
BOARD_S: Final = Given(21e-6, "s a record", "bench/experiments.md: a board's reading of one, its model alone")
"""Least of what a board needs for a record: what it then does with it comes on top."""

WORKER_SHARE: Final = 0.5
"""Of what a worker sustains: one may die, and of two the other then does all."""

BROKER_SHARE: Final = 0.5
GATEWAY_SHARE: Final = 0.5
PROCESS_SHARE: Final = 0.5
"""Of a core, for what runs once: board and history."""

PARTITION_SHARE: Final = 0.5
"""Of the patients that a partition takes at most."""

DISK_SHARE: Final = 0.7
"""How full a broker's disk may become."""

RECOVERY_S_MAX: Final = 3.0
"""A worker's patients are read back within so long, by whoever takes them over."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the report of `make bench` says, and of which commit it is."""

    commit: str
    frames_core: Given
    """That a core of a worker sustains."""
    broker_bytes: Given
    """That one broker took."""
    recovery: Given
    """Of one patient."""


def load(path: Path = REPORT) -> Measured:
    """Read the report.

    Raises:
        BadData: it is not there, or lacks what a plan needs.
    """
    try:
        return measured(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadData(f"{path}: no report to plan by ({error!r}); write one with: make bench") from None


def measured(report: Mapping[str, Any]) -> Measured:
    """Return what a report says; of several figures of one thing always the least favourable.

    Raises:
        KeyError: a figure is missing.
        ValueError: one is no positive number.
    """
    vigil, cores = report["systems"]["vigil"], report["machine"]["cores"]
    drained, sustained = vigil["drain"]["lowest"], vigil["sustainable_frames_s"]
    points = vigil["growth"]["points"]
    recovery = max(point["recovery_s"] / point["patients"] for point in points)
    for figure in (drained, sustained, cores, recovery):
        if not (math.isfinite(figure) and figure > 0):
            raise ValueError(f"{figure!r} is no positive number")
    return Measured(
        str(report["commit"]["id"]),
        Given(
            min(drained, sustained / cores),
            "frames/s and core",
            "bench/report.json: the lower of drain.lowest and sustainable_frames_s a core, broker and load beside it",
        ),
        Given(
            sustained * FRAME_BYTES,
            "B/s",
            f"bench/report.json: sustainable_frames_s of {FRAME_BYTES} B, taken by one broker on shared cores",
        ),
        Given(recovery, "s a patient", "bench/report.json: growth, the slowest recovery a patient"),
    )
