"""The open-loop schedule: when each frame is sent and what it says, computed before anything is sent.

Frames arrive as a Poisson process whose rate jumps with the bursts; patients are drawn at random. Some arrivals are
planted: they make a limit rule true at a known moment, so that every alert that must come is known beforehand.
Everything follows from the plan.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.peers.defaults import LIMITS
from bench.peers.spec import Limit
from edge.burst import Burst, check_bursts

Ints = NDArray[np.int64]
Pressures = NDArray[np.int16]

SLOT_MS: Final = 5
"""Planned send times lie on this grid: what is due together is sent in one request."""

FIELDS: Final = ("hr", "pulse", "spo2", "resp", "abp_sys", "abp_dia", "abp_mean")
DIGITS: Final = (2, 2, 2, 2, 3, 2, 2)
"""Each signal is written with so many digits, so that all frames have one length."""

CALM: Final = np.array([75, 75, 97, 16, 125, 75, 88])
SPREAD: Final = np.array([12, 12, 1, 2, 10, 8, 8])
NOISE: Final = np.array([2, 2, 1, 1, 4, 2, 2])
NOISES: Final = 4_096

AT_ONCE: Final = Limit("planted", "abp_sys", None, 200.0, delay_ms=0, clear_margin=0.0, clear_delay_ms=0)
"""The rule whose onsets are planted by the hundred: true at one frame, over at the patient's next."""

DELAYED: Final = next(limit for limit in LIMITS if limit.id == "abp-sys-high")
AT_ONCE_SYS, DELAYED_SYS = 210, 180
"""Systolic pressures of planted frames, mmHg: above both rules, above the delayed one only."""

PLANTED_SHARE_MAX: Final = 0.4
"""Of all arrivals, so that planted frames do not become the load."""

PLANTED_PATIENTS_MAX: Final = 20_000
ONSETS_PER_PATIENT: Final = 10
DELAYED_ONE_IN: Final = 5
EARLY_MS: Final = 500
"""A delayed onset begins up to so much more than its delay before the frame that starts the alarm."""

FLOOD_LENGTH_MS: Final = 500
FLOOD_FRAMES: Final = 20
"""What each device held back while it was offline, one frame a second."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One open-loop run: `base_hz` frames a second, `bursts` on top, a reconnect flood, planted onsets.

    Times in s since the run's start. `flood_s` is how many seconds of the base rate arrive at once at
    `flood_at_s`, from devices that were offline; 0 means no flood.
    """

    base_hz: float
    length_s: float
    bursts: tuple[Burst, ...] = ()
    flood_at_s: float = 0.0
    flood_s: float = 0.0
    patients: int = 10_000
    partitions: int = 8
    onsets_max: int = 3_000
    delayed_one_in: int = DELAYED_ONE_IN
    """Of the planted ones, those whose alarm has a delay; it never ends, so each run plants patients of its own.
    0 = none: all alarms end, and all runs plant the same patients."""
    step: int = 0
    """Runs on one running system differ in this: each has arrivals and sequence numbers of its own."""

    @property
    def planted_from(self) -> int:
        """The first patient that is planted."""
        return self.patients + self.step * PLANTED_PATIENTS_MAX * bool(self.delayed_one_in)

    @property
    def frames_about(self) -> int:
        """Expected number of frames."""
        extra = sum((burst.factor - 1) * burst.length_s for burst in self.bursts)
        return int(self.base_hz * (self.length_s + extra + self.flood_s))


@dataclass(slots=True)
class Onsets:
    """The alerts that must come, arrays of shape (m,): times in ms since the run's start.

    `event_ms` is the event time of the frame that makes the condition true, by which its alert is known;
    `planned_ms` is when that frame is sent.
    """

    patient: Ints
    rule: list[str]
    event_ms: Ints
    planned_ms: Ints

    def __len__(self) -> int:
        return len(self.rule)


@dataclass(slots=True)
class Frames:
    """Frames in the order in which they are sent: arrays of shape (n,), `values` of shape (n, 7).

    Times in ms since the run's start.
    """

    planned_ms: Ints
    event_ms: Ints
    patient: Ints
    values: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.patient)

    def part(self, first: int, last: int) -> "Frames":
        """Return the frames from `first` up to `last`, without a copy."""
        chosen = slice(first, last)
        return Frames(
            self.planned_ms[chosen], self.event_ms[chosen], self.patient[chosen], self.values[chosen]
        )


def schedule(plan: Plan) -> Frames:
    """Return every frame of the plan."""
    (planned, event, patient, kind), _ = _arrange(plan)
    return Frames(planned, event, patient, _values(patient, kind, np.random.default_rng(plan.step)))


def planted(plan: Plan) -> Onsets:
    """Return the alerts that must follow from the plan."""
    return _arrange(plan)[1]


def _arrange(plan: Plan) -> tuple[tuple[Ints, Ints, Ints, Pressures], Onsets]:
    """Return planned and event times, patients and planted pressures in the order of sending, and the onsets."""
    random = np.random.default_rng(plan.step)
    planned = arrivals(plan, random)
    patient = random.integers(0, plan.patients, len(planned))
    event = planned.copy()
    kind = np.zeros(len(planned), dtype=np.int16)  # the systolic pressure that is planted, if any
    chosen, delayed = _chosen(plan, planned, random)

    visits = chosen[: len(chosen) // 2 * 2]
    pool = max(1, len(visits) // 2 // ONSETS_PER_PATIENT)
    patient[visits] = plan.planted_from + np.arange(len(visits)) // 2 % pool
    kind[visits[::2]] = AT_ONCE_SYS
    late = plan.planted_from + pool + np.arange(len(delayed))
    patient[delayed] = late
    kind[delayed] = DELAYED_SYS
    first = (
        planned[delayed] - DELAYED.delay_ms - random.integers(0, EARLY_MS, len(delayed)) // SLOT_MS * SLOT_MS
    )

    flood, flood_event, flooders, flood_kind = _flood(plan, plan.planted_from + pool + len(delayed))
    causes = np.r_[visits[::2], delayed]
    last = np.flatnonzero(flood_kind)
    onsets = Onsets(
        np.r_[patient[causes], flooders[last]],
        [AT_ONCE.id] * len(visits[::2]) + [DELAYED.id] * len(delayed) + [AT_ONCE.id] * len(last),
        np.r_[event[causes], flood_event[last]],
        np.r_[planned[causes], flood[last]],
    )
    planned = np.r_[planned, first, flood]
    event = np.r_[event, first, flood_event]
    patient = np.r_[patient, late, flooders]
    kind = np.r_[kind, np.full(len(first), DELAYED_SYS, np.int16), flood_kind]
    order = np.argsort(planned, kind="stable")
    return (planned[order], event[order], patient[order], kind[order]), onsets


def arrivals(plan: Plan, random: np.random.Generator) -> Ints:
    """Return the planned times of a Poisson process with the plan's rate, ascending, on the grid, ms."""
    pieces = []
    at_s = 0.0
    for burst in check_bursts(plan.bursts):
        pieces += [
            (at_s, burst.start_s, plan.base_hz),
            (burst.start_s, burst.end_s, plan.base_hz * burst.factor),
        ]
        at_s = burst.end_s
    pieces.append((at_s, plan.length_s, plan.base_hz))
    times_s = [
        np.sort(random.uniform(start_s, end_s, random.poisson(rate_hz * (end_s - start_s))))
        for start_s, end_s, rate_hz in pieces
        if end_s > start_s
    ]
    slots: Ints = (np.concatenate(times_s) * 1000).astype(np.int64) // SLOT_MS * SLOT_MS
    return slots


def _chosen(plan: Plan, planned: Ints, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Return which arrivals are planted: visits of patients in turn, and ends of a delay; both ascending."""
    count = int(min(2 * plan.onsets_max, PLANTED_SHARE_MAX * len(planned)))
    chosen = np.sort(random.choice(len(planned), count, replace=False))
    able = chosen[planned[chosen] >= DELAYED.delay_ms + EARLY_MS]
    delayed = able[:: plan.delayed_one_in] if plan.delayed_one_in else able[:0]
    return np.setdiff1d(chosen, delayed, assume_unique=True), delayed


def _flood(plan: Plan, first_patient: int) -> tuple[Ints, Ints, Ints, Pressures]:
    """Return planned and event times, patients and planted pressures of what comes after a reconnect.

    Every device sends its `FLOOD_FRAMES` frames at once, the oldest first; the last is of now and starts an alarm.
    """
    devices = int(plan.base_hz * plan.flood_s / FLOOD_FRAMES)
    at_ms = int(plan.flood_at_s * 1000) + np.arange(devices) * FLOOD_LENGTH_MS // max(1, devices)
    at_ms = at_ms // SLOT_MS * SLOT_MS
    age_ms = 1000 * np.arange(FLOOD_FRAMES - 1, -1, -1)
    kind = np.zeros((devices, FLOOD_FRAMES), dtype=np.int16)
    kind[:, -1] = AT_ONCE_SYS
    return (
        np.repeat(at_ms, FLOOD_FRAMES),
        (at_ms[:, None] - age_ms).ravel(),
        np.repeat(first_patient + np.arange(devices), FLOOD_FRAMES),
        kind.ravel(),
    )


def _values(patient: Ints, kind: Pressures, random: np.random.Generator) -> NDArray[np.int16]:
    """Return calm readings of shape (n, 7), each patient around levels of their own, and the planted ones."""
    count = int(patient.max(initial=0)) + 1
    levels = (CALM + random.integers(-SPREAD, SPREAD + 1, (count, len(CALM)))).astype(np.int16)
    noise = random.integers(-NOISE, NOISE + 1, (NOISES, len(CALM)), dtype=np.int16)
    values = levels[patient] + noise[np.arange(len(patient)) % NOISES]
    values[:, 2] = np.minimum(values[:, 2], 99)
    chosen = kind > 0
    values[chosen, 4] = kind[chosen]
    return values
