"""The simulated ward: plausible frames to `vitals.readings`, on a schedule that never waits for the broker.

Open loop: when each frame is due was decided before the first one left, so a slow broker meets the same load
as a fast one. Frames that cannot leave wait in a bounded queue; what overflows it is refused and counted.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import numpy as np

from edge.burst import TIME_S_MAX, Burst, Schedule
from edge.gateway.outlet import HttpOutlet
from edge.moving_producer import MovingProducer
from edge.physiology import Ward, signals_of
from edge.simulated_profiles import say_ages
from streams.config.secret_settings import secret_of
from streams.config.settings import Settings
from streams.contracts.frame import INTERVAL_MS_MAX
from streams.errors import UsageError

BEDS_MAX: Final = 100_000
RATE_HZ_MAX: Final = 1_000.0
RATE_HZ_MIN: Final = 1_000.0 / INTERVAL_MS_MAX
QUEUE_FRAMES_MAX: Final = 100_000
REPORT_EVERY_S: Final = 1.0
ADVANCE_FRAMES_MAX: Final = 500
"""Frames between two looks at the clock, so that lateness is measured when a frame leaves."""

WAIT_S_MAX: Final = 0.05
"""Longest sleep between two looks at the schedule, so that a stop is noticed and the queue keeps moving."""

BEHIND_MS_MAX: Final = 100
"""A second in which a frame left later than this after its planned time counts as fallen behind."""

LATENESS_MS_MAX: Final = 60_000
"""Longest lateness told apart: a later frame counts as this late."""

DRAIN_S_MAX: Final = 30.0
STOP_DRAIN_S_MAX: Final = 2.0
"""How long the last frames may take to be acknowledged: at the planned end, and after a stop."""


@dataclass(frozen=True, slots=True)
class PlannedFrame:
    """One frame, ready to be sent at `due_s` (s since the start)."""

    due_s: float
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Progress:
    """What the run has done so far. Every planned frame is in one of the counts.

    `planned` = `sent` + `waiting` + `refused`; `sent` = `acknowledged` + `failed` + `in_flight`.
    `unanswered_s` is how long the oldest frame in flight waits for its acknowledgement; a failed one is lost, unless
    it arrives late. `behind_p99_ms` is how much later than planned frames left, since the last report (over the whole
    run in the final one); `fell_behind_s` counts the seconds with a frame later than `BEHIND_MS_MAX`.
    """

    elapsed_s: float
    planned: int
    sent: int
    acknowledged: int
    failed: int
    refused: int
    waiting: int
    in_flight: int
    unanswered_s: float
    behind_p99_ms: int
    fell_behind_s: int


class Outlet(Protocol):
    """Where frames leave: `MovingProducer`, or a list in a test."""

    @property
    def acknowledged(self) -> int:
        """Frames that have arrived."""

    @property
    def failed(self) -> int:
        """Frames that were refused, or not acknowledged in time."""

    @property
    def in_flight(self) -> int:
        """Frames handed over and not yet settled."""

    def oldest_s(self) -> float:
        """Return how long the oldest of them has been on its way, s."""

    def send(self, key: bytes, value: bytes) -> object | None:
        """Hand a frame over without waiting; None = not now."""


def planned_frames(
    ward: Ward, schedule: Schedule, start_ms: int, seconds: float | None
) -> Iterator[PlannedFrame]:
    """Yield the frames of the run in order of time, for `seconds` or for ever.

    A frame's event time is its planned time, `start_ms` (Unix epoch, ms) plus `due_s`. `boot` is `start_ms`,
    so that a second run of the same ward is not taken for a repetition of the first.
    """
    patients = patients_of(ward)
    keys = [patient.encode() for patient in patients]
    interval_ms = max(1, round(1000 / schedule.rate_hz))
    encode = msgspec.json.Encoder().encode
    previous_s = np.full(ward.beds, -np.inf)
    number = 0
    while True:
        due_s = schedule.round_s(number)
        readings = ward.readings(number, due_s, previous_s)
        for bed, moment_s in enumerate(due_s.tolist()):
            if seconds is not None and moment_s >= seconds:
                return
            frame = {
                "patient": patients[bed],
                "device": f"monitor-{bed + 1:04d}",
                "boot": start_ms,
                "seq": number,
                "event_ts_ms": start_ms + round(moment_s * 1000),
                "interval_ms": interval_ms,
                **signals_of(readings[bed]),
            }
            yield PlannedFrame(moment_s, keys[bed], encode(frame))
        previous_s = due_s
        number += 1


def patients_of(ward: Ward) -> list[str]:
    """Return the patients' names, bed by bed."""
    return [f"bed-{bed + 1:04d}" for bed in range(ward.beds)]


class OpenLoop:
    """Moves frames from the plan through the bounded queue to the outlet; the caller owns the clock."""

    def __init__(
        self, frames: Iterator[PlannedFrame], outlet: Outlet, queue_max: int = QUEUE_FRAMES_MAX
    ) -> None:
        """Start at second 0 of the plan, with an empty queue of at most `queue_max` frames."""
        self._frames = frames
        self._outlet = outlet
        self._queue: deque[PlannedFrame] = deque()
        self._queue_max = queue_max
        self._next = next(frames, None)
        self._planned = self._sent = self._refused = 0
        self._late_recent = np.zeros(LATENESS_MS_MAX + 1, np.int64)
        self._late_before = np.zeros(LATENESS_MS_MAX + 1, np.int64)
        self._late_seconds = 0
        self._late_second = -1

    @property
    def due_s(self) -> float | None:
        """When the next planned frame is due, s since the start; None after the last."""
        return None if self._next is None else self._next.due_s

    @property
    def waiting(self) -> int:
        """Frames in the queue."""
        return len(self._queue)

    @property
    def unsettled(self) -> int:
        """Frames that are neither acknowledged nor failed nor refused."""
        return self.waiting + self._outlet.in_flight

    def advance(self, now_s: float) -> None:
        """Take the frames that are due at `now_s` into the queue and let leave what can leave.

        At most `ADVANCE_FRAMES_MAX` in one call: call again, with the time of then, while `due_s` is past.
        """
        for _ in range(ADVANCE_FRAMES_MAX):
            if self._next is None or self._next.due_s > now_s:
                break
            self._planned += 1
            if len(self._queue) >= self._queue_max:
                self.flush(now_s)
            if len(self._queue) < self._queue_max:
                self._queue.append(self._next)
            else:
                self._refused += 1
                self._count_late_second(now_s)
            self._next = next(self._frames, None)
        self.flush(now_s)

    def flush(self, now_s: float) -> None:
        """Hand over what waits, oldest first, as far as the outlet has room."""
        while self._queue and self._outlet.send(self._queue[0].key, self._queue[0].value) is not None:
            frame = self._queue.popleft()
            self._sent += 1
            late_ms = min(LATENESS_MS_MAX, max(0, round((now_s - frame.due_s) * 1000)))
            self._late_recent[late_ms] += 1
            if late_ms > BEHIND_MS_MAX:
                self._count_late_second(now_s)
        if self._queue and (now_s - self._queue[0].due_s) * 1000 > BEHIND_MS_MAX:
            self._count_late_second(now_s)

    def _count_late_second(self, now_s: float) -> None:
        if int(now_s) != self._late_second:
            self._late_second = int(now_s)
            self._late_seconds += 1

    def progress(self, now_s: float, whole_run: bool = False) -> Progress:
        """Return the counts at `now_s`, with the lateness since the last call or of the `whole_run`."""
        self._late_before += self._late_recent
        lateness = self._late_before if whole_run else self._late_recent
        passed = np.cumsum(lateness)
        p99_ms = int(np.searchsorted(passed, 0.99 * passed[-1])) if passed[-1] else 0
        self._late_recent[:] = 0
        in_flight = self._outlet.in_flight
        acknowledged, failed = self._outlet.acknowledged, self._outlet.failed
        return Progress(
            elapsed_s=now_s,
            planned=self._planned,
            sent=self._sent,
            acknowledged=acknowledged,
            failed=failed,
            refused=self._refused,
            waiting=self.waiting,
            in_flight=in_flight,
            unanswered_s=round(self._outlet.oldest_s(), 1),
            behind_p99_ms=p99_ms,
            fell_behind_s=self._late_seconds,
        )


def check_options(beds: int, rate_hz: float, seconds: float | None) -> None:
    """Raise UsageError, naming the option, when one is out of range."""
    if not 1 <= beds <= BEDS_MAX:
        raise UsageError(f"beds: {beds} is not between 1 and {BEDS_MAX}")
    if not RATE_HZ_MIN <= rate_hz <= RATE_HZ_MAX:
        raise UsageError(f"rate: {rate_hz:g} Hz is not between {RATE_HZ_MIN:.3g} and {RATE_HZ_MAX:g}")
    if seconds is not None and not 0 < seconds <= TIME_S_MAX:
        raise UsageError(f"seconds: {seconds:g} is not above 0 and at most {TIME_S_MAX:g}")


def simulate(
    settings: Settings,
    beds: int = 200,
    rate_hz: float = 1.0,
    bursts: Sequence[Burst] = (),
    seed: int = 0,
    seconds: float | None = None,
    stop: threading.Event | None = None,
    report: Callable[[Progress], None] | None = None,
    gateway: str | None = None,
) -> Progress:
    """Send a simulated ward's frames until `seconds` have passed or `stop` is set.

    Args:
        settings: says which brokers and which topic.
        beds: patients, one device each.
        rate_hz: frames a second of each bed, outside bursts.
        bursts: times at which the rate is multiplied; they must not overlap.
        seed: the same seed gives the same readings; not negative.
        seconds: length of the run in s; None = until `stop`.
        stop: ends the run early; what is on its way gets `STOP_DRAIN_S_MAX` to arrive.
        report: called from this thread about once a second.
        gateway: address of a gateway that the frames go through, http://HOST:PORT; None = straight to the brokers.

    Returns:
        The final counts, after the last frames were acknowledged or their time was up. Those that could not
        leave stay counted as `waiting`; those without an answer are given up and counted as `failed`, or stay
        `in_flight` where even that was not possible in time.

    Raises:
        UsageError: an option is out of range, or there are no brokers.
        BrokerUnreachable: no broker answers.
        TopicsMismatch: the topic does not exist.
    """
    check_options(beds, rate_hz, seconds)
    if seed < 0:
        raise UsageError(f"seed: {seed} is negative")
    schedule, ward = Schedule(beds, rate_hz, bursts), Ward(beds, seed)
    stop = stop or threading.Event()
    with _outlet(settings, gateway) as sender:
        if settings.bootstrap:
            say_ages(settings, patients_of(ward))
        start_ms, start_s = time.time_ns() // 1_000_000, time.monotonic()
        loop = OpenLoop(planned_frames(ward, schedule, start_ms, seconds), sender)
        _run(loop, start_s, stop, report)
        _drain(loop, start_s, STOP_DRAIN_S_MAX if stop.is_set() else DRAIN_S_MAX, stop)
    return loop.progress(time.monotonic() - start_s, whole_run=True)


def _outlet(settings: Settings, gateway: str | None) -> MovingProducer | HttpOutlet:
    if gateway is None:
        return MovingProducer(settings)
    return HttpOutlet(gateway, secret_of(settings, "gateway_key") or "")


def _run(
    loop: OpenLoop, start_s: float, stop: threading.Event, report: Callable[[Progress], None] | None
) -> None:
    report_s = REPORT_EVERY_S
    while (due_s := loop.due_s) is not None and not stop.is_set():
        loop.advance(now_s := time.monotonic() - start_s)
        if now_s >= report_s:
            if report is not None:
                report(loop.progress(now_s))
            report_s = now_s + REPORT_EVERY_S
        due_s = loop.due_s
        wait_s = WAIT_S_MAX if due_s is None else due_s - (time.monotonic() - start_s)
        if wait_s > 0:
            stop.wait(min(wait_s, WAIT_S_MAX))


def _drain(loop: OpenLoop, start_s: float, drain_s_max: float, stop: threading.Event) -> None:
    """Wait until every frame is settled, at most `drain_s_max`; a stop in between shortens it."""
    begun_s = time.monotonic()
    while loop.unsettled:
        allowed_s = min(drain_s_max, STOP_DRAIN_S_MAX) if stop.is_set() else drain_s_max
        if time.monotonic() - begun_s > allowed_s:
            return
        loop.flush(time.monotonic() - start_s)
        time.sleep(min(WAIT_S_MAX, 0.01))
