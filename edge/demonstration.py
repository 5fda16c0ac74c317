"""The demo's run: a stack, a simulated ward in a process of its own, and the view that follows both."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge.alert_feed import AlertFeed
from edge.board.board_child import board_child
from edge.brokers.tether import spawn, stop
from edge.gateway.gateway_child import gateway_child
from edge.gateway.http.server import READINGS_PATH
from edge.metrics_scrape import Load, LoadMeter, scrape
from edge.options import with_changes
from edge.stack import READY_WAIT_S, Stack
from edge.ward_screen import Screen
from edge.ward_state import Ward
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.errors import VigilError

REFRESH_S: Final = 0.5
FLOW_WAIT_S: Final = 30.0
"""How long the first frame may take from the simulator's start to the worker's count."""

SETTLE_S_MAX: Final = 5.0
"""After the simulator has ended: how long the workers may take for what is left."""

SIMULATOR_STOP_S: Final = 2.0
GATEWAY_PORT: Final = 8470
CURL: Final = (
    "curl {url} -H 'Content-Type: application/json' -H \"Idempotency-Key: $RANDOM\" -d "
    """'{{"device": "curl", "patient": "bed-0001", "event_ts_ms": '$(date +%s)000', "asystole": true}}'"""
)
"""A frame of a second device of the first bed, in which it reports an alarm of its own: told at once, at high."""

_LOG_TAIL_CHARACTERS: Final = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demo simulates; `seconds` counts from the first frame (None = until Ctrl-C)."""

    beds: int
    rate_hz: float
    seed: int
    bursts: tuple[str, ...]
    seconds: float | None
    workers: int
    verbose: bool
    gateway: bool = False
    board: bool = False


def run(settings: Settings, plan: Plan, screen: Screen) -> None:
    """Run the demo until its time is up or the caller interrupts it, then print the summary.

    Raises:
        VigilError: a part did not start, or failed for good.
    """
    ward, meter = Ward(plan.beds), LoadMeter()
    load, elapsed_s = Load(), 0.0
    flowing = False
    try:
        # The screen closes first: nobody looks at a frozen one while the processes end.
        with Stack(settings, plan.workers, plan.verbose) as stack, screen:
            screen.say(f"broker: {'embedded, ' if stack.embedded else ''}{stack.settings.brokers}")
            screen.say("starting the worker ..." if plan.workers == 1 else "starting the workers ...")
            with AlertFeed(stack.settings, since_ms=None) as feed:
                stack.wait_ready(READY_WAIT_S)
                with (
                    _board(stack, plan, screen),
                    _gateway(stack, plan, screen) as gateway,
                    _simulator(stack.settings, plan, gateway) as simulator,
                ):
                    begun_s = _await_flow(stack, meter, simulator)
                    flowing = True
                    while plan.seconds is None or elapsed_s < plan.seconds:
                        left_s = REFRESH_S if plan.seconds is None else plan.seconds - elapsed_s
                        load = _observe(stack, meter, feed, ward, min(REFRESH_S, left_s))
                        elapsed_s = time.monotonic() - begun_s
                        stack.check()
                        simulator.check()
                        screen.show(ward, load, elapsed_s)
                load = _settle(stack, meter, feed, ward)
                if feed.skipped.count:
                    screen.say(feed.skipped.line())
    except (KeyboardInterrupt, SystemExit):
        if flowing:
            screen.conclude(ward, load, elapsed_s)
        raise
    screen.conclude(ward, load, elapsed_s)


class Simulator:
    """The simulator's process and what it has said."""

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path) -> None:
        self._process = process
        self._log_path = log_path

    def check(self) -> None:
        """Raise VigilError with its last words if it has ended."""
        if self._process.poll() is not None:
            said = self._log_path.read_text(errors="replace").strip()[-_LOG_TAIL_CHARACTERS:]
            raise VigilError(f"the simulator ended with code {self._process.returncode}: {said}")


@contextmanager
def _board(stack: Stack, plan: Plan, screen: Screen) -> Iterator[None]:
    """Run a board if the plan has one, and say where it is."""
    if not plan.board:
        yield
        return
    with board_child(stack.settings) as url:
        screen.say(f"board: {url} in a browser shows the ward, and takes your orders")
        yield


@contextmanager
def _gateway(stack: Stack, plan: Plan, screen: Screen) -> Iterator[str | None]:
    """Run a gateway if the plan has one, and say how to send a reading to it."""
    if not plan.gateway:
        yield None
        return
    settings = with_changes(
        stack.settings,
        gateway_http_port=stack.settings.gateway_http_port or GATEWAY_PORT,
        gateway_idempotence=not stack.embedded,
    )
    with gateway_child(settings, [sys.executable, "-P", "-m", "edge", "gateway"]) as url:
        screen.say(f"gateway: {url}; tell an alarm of your own with: {CURL.format(url=url + READINGS_PATH)}")
        yield url


@contextmanager
def _simulator(settings: Settings, plan: Plan, gateway: str | None) -> Iterator[Simulator]:
    """Run the simulator in its own process, so that drawing the view does not delay its frames."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log_path = settings.data_dir / f"simulator-{os.getpid()}.log"
    command = [sys.executable, "-P", "-m", "edge", "simulate", "--json", "--beds", str(plan.beds)]
    command += ["--rate", str(plan.rate_hz), "--seed", str(plan.seed)]
    if gateway is not None:
        command += ["--gateway", gateway]
    for burst in plan.bursts:
        command += ["--burst", burst]
    with log_path.open("wb") as log:
        process = spawn(command, log, worker_environment(settings))
    try:
        yield Simulator(process, log_path)
    finally:
        stop(process, SIMULATOR_STOP_S)
        log_path.unlink(missing_ok=True)


def _observe(stack: Stack, meter: LoadMeter, feed: AlertFeed, ward: Ward, wait_s: float) -> Load:
    """Take in the alerts of the next `wait_s`, then ask the workers for their load."""
    until_s = time.monotonic() + wait_s
    while True:
        for received in feed.poll(max(0.0, until_s - time.monotonic())):
            ward.apply(received.alert)
        if time.monotonic() >= until_s:
            return _load(stack, meter)


def _load(stack: Stack, meter: LoadMeter) -> Load:
    load = meter.observe({url: scrape(url) for url in stack.metrics_urls}, time.monotonic())
    return replace(load, restarts=stack.pool.restarts)


def _await_flow(stack: Stack, meter: LoadMeter, simulator: Simulator) -> float:
    """Wait for the first frames and return the monotonic time, s."""
    deadline_s = time.monotonic() + FLOW_WAIT_S
    while _load(stack, meter).frames == 0:
        stack.check()
        simulator.check()
        if time.monotonic() > deadline_s:
            raise VigilError(f"no frame reached a worker within {FLOW_WAIT_S:g} s")
        time.sleep(REFRESH_S / 5)
    return time.monotonic()


def _settle(stack: Stack, meter: LoadMeter, feed: AlertFeed, ward: Ward) -> Load:
    """Let the workers finish what is on its way, so that the summary is of everything that was sent."""
    deadline_s = time.monotonic() + SETTLE_S_MAX
    load = _observe(stack, meter, feed, ward, REFRESH_S)
    while load.lag_frames and time.monotonic() < deadline_s:
        load = _observe(stack, meter, feed, ward, REFRESH_S)
    return load
