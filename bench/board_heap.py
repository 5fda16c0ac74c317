"""Does the board's page grow? A ward at eight times the pace in Chromium, and the slope of its heap.

`python -m bench.board_heap` is an hour in Chromium, which at eight times the pace is a shift of eight hours of the
ward; `--ward-hours 1` is one hour of the ward, seven and a half minutes in Chromium. It serves the page's own files and
a stream of a made-up ward in which every bed changes once a second of the ward and alarms come and go. After each
collection of garbage it reads the page's heap and counts of nodes and listeners over the browser's own protocol, and
fits a slope to all but the first quarter. The heap does not grow if the slope's whole interval is within the bound.
"""

import argparse
import asyncio
import contextlib
import json
import math
import random
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from aiohttp import web

from edge.board.assets import SHELL, read_assets, served
from edge.board.responses import HEADERS
from streams.errors import UsageError

SLOPE_MB_H_MAX: Final = 1.0
"""Of an hour of the ward."""
SAMPLE_S: Final = 10.0
START_S_MAX: Final = 20.0
WARDS: Final = 4
NO_WORKER: Final = "delete window.SharedWorker"
BYTES_MB: Final = 1e6
SAMPLES_MIN: Final = 4
Z_95: Final = 1.96
"""Of the normal distribution, both sides: source as of `slope_of`."""

Sample = tuple[float, int, int, int]
"""When, s; bytes of the heap; nodes; listeners."""


class Ward:
    """A ward whose time runs `pace` times as fast as ours."""

    def __init__(self, beds: int, pace: float, seed: int = 1) -> None:
        self._dice = random.Random(seed)
        self._began_s = time.time()
        self.pace = pace
        self._alarms: dict[str, dict[str, Any]] = {}
        self._names = [f"bed-{number:04d}" for number in range(beds)]

    def now_ms(self) -> int:
        """Return the ward's time, ms."""
        return int((self._began_s + (time.time() - self._began_s) * self.pace) * 1000)

    def beds(self) -> list[dict[str, Any]]:
        """Return every bed as it is now; some alarms begin, are acknowledged and end."""
        now = self.now_ms()
        for name in self._names:
            alarm, chance = self._alarms.get(name), self._dice.random()
            if alarm is None and chance < 0.002:
                self._alarms[name] = self._begun(name, now)
            elif alarm is not None and chance < 0.02:
                del self._alarms[name]
            elif alarm is not None and chance < 0.04:
                self._alarms[name] = {**alarm, "state": "acknowledged", "acknowledged_by": "n1"}
        return [self._bed(number, name, now) for number, name in enumerate(self._names)]

    def _begun(self, name: str, now: int) -> dict[str, Any]:
        return {
            "episode": f"{self._dice.getrandbits(64):016x}", "alert": f"{name}-{now}", "rule": "spo2-low",
            "event": "MDC_EVT_LO", "priority": self._dice.choice(["high", "medium", "low"]), "type": "physiological",
            "state": "active", "inactivation": "enabled", "onset_ts_ms": now, "value": 85.0, "low": 90.0, "high": None,
            "unit": "%", "signal": "spo2", "reason": "oxygen saturation 85 %, below 90 for 15 s", "asked": None,
            "acknowledged_by": None, "deliveries": [],
        }  # fmt: skip

    def _bed(self, number: int, name: str, now: int) -> dict[str, Any]:
        alarm = self._alarms.get(name)
        reading = {"hr": 75 + self._dice.randrange(20), "spo2": 94 + self._dice.randrange(5), "resp": 15.0}
        return {
            "patient": name, "ward": f"ward-{number % WARDS}", "bed": None, "seen_ts_ms": now, "partition": number % 8,
            "severity": alarm["priority"] if alarm else "none", "pause": None, "limits_widened": [],
            "values": {signal: {"value": value, "ts_ms": now} for signal, value in reading.items()},
            "scores": {}, "alarms": [alarm] if alarm else [],
        }  # fmt: skip

    def clock(self) -> dict[str, Any]:
        """Return the event of a second."""
        now = self.now_ms()
        wards = {f"ward-{number}": now for number in range(WARDS)}
        return {"now_ts_ms": now, "partitions": {str(number): now for number in range(8)}, "wards": wards}


def _app(ward: Ward) -> web.Application:
    assets = read_assets()

    async def page(request: web.Request) -> web.Response:
        return served(assets[request.match_info.get("name", SHELL)], request)

    async def me(_: web.Request) -> web.Response:
        return web.json_response({"id": "bench", "acts": None})

    async def bed(request: web.Request) -> web.Response:
        found = [each for each in ward.beds() if each["patient"] == request.match_info["patient"]]
        return web.json_response({"bed": found[0], "limits": None, "commands": [], "trend": {}, "late": []})

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        names = [{"ward": f"ward-{number}", "name": f"Ward {number}"} for number in range(WARDS)]
        await _say(response, "snapshot", {"wards": names, "beds": ward.beds(), **ward.clock()})
        with contextlib.suppress(ConnectionError):  # the page is gone
            while True:
                await _say(response, "beds", {"beds": ward.beds(), "now_ts_ms": ward.now_ms()})
                await _say(response, "clock", ward.clock())
                await asyncio.sleep(1 / ward.pace)
        return response

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/bed/{patient}", page)
    app.router.add_get("/assets/{name}", page)
    app.router.add_get("/v1/me", me)
    app.router.add_get("/v1/beds/{patient}", bed)
    app.router.add_get("/v1/stream", stream)
    app.on_response_prepare.append(_with_policy)
    return app


async def _with_policy(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


async def _say(response: web.StreamResponse, kind: str, data: dict[str, Any]) -> None:
    body = json.dumps({"position": "0", **data})
    await response.write(f"id: 0\nevent: {kind}\ndata: {body}\n\n".encode())


def serve(ward: Ward) -> str:
    """Serve the page in a thread of its own; return its address."""
    loop, ready, port = asyncio.new_event_loop(), threading.Event(), list[int]()

    async def start() -> None:
        runner = web.AppRunner(_app(ward), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port.append(runner.addresses[0][1])
        ready.set()

    def run() -> None:
        loop.create_task(start())
        loop.run_forever()

    threading.Thread(target=run, daemon=True).start()
    if not ready.wait(START_S_MAX):
        raise UsageError("the page's server did not start")
    return f"http://127.0.0.1:{port[0]}"


def measure(url: str, minutes: float, path: str, own_feed: bool) -> list[Sample]:
    """Return (s, heap bytes, nodes, listeners) after each collection of garbage."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise UsageError("Chromium is not installed")
    samples = list[Sample]()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1920, "height": 1080})
        if own_feed:
            page.add_init_script(NO_WORKER)
        page.goto(url + path)
        page.wait_for_selector("#live[data-live]")
        cdp = page.context.new_cdp_session(page)
        began_s = time.monotonic()
        while time.monotonic() - began_s < minutes * 60:
            page.wait_for_timeout(SAMPLE_S * 1000)
            cdp.send("HeapProfiler.collectGarbage")
            used = cdp.send("Runtime.getHeapUsage")["usedSize"]
            counts = cdp.send("Memory.getDOMCounters")
            at_s = time.monotonic() - began_s
            samples.append((at_s, int(used), counts["nodes"], counts["jsEventListeners"]))
        browser.close()
    return samples


class Slope(NamedTuple):
    """Growth in MB per hour of the ward, and the bounds of its interval of 95 %."""

    mb_h: float
    low_mb_h: float
    high_mb_h: float


def slope_of(samples: Sequence[Sample], pace: float) -> Slope:
    """Return the heap's growth: the median slope of all pairs but the first quarter's, with the interval by ranks.

    Source: P. K. Sen, Journal of the American Statistical Association 63 (1968), 1379-1389. The interval takes samples
    as independent; where the collector works in steps of more than a sample it is too narrow.

    Raises:
        UsageError: there are too few samples.
    """
    kept = samples[len(samples) // 4 :]
    n = len(kept)
    if n < SAMPLES_MIN:
        raise UsageError("too short: at least a minute is needed")
    hours = np.array([at_s for at_s, *_ in kept]) * pace / 3600
    used_mb = np.array([used for _, used, *_ in kept]) / BYTES_MB
    first, second = np.triu_indices(n, 1)
    slopes = np.sort((used_mb[second] - used_mb[first]) / (hours[second] - hours[first]))
    half = Z_95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2
    low = max(0, math.floor(len(slopes) / 2 - half))
    high = min(len(slopes) - 1, math.ceil(len(slopes) / 2 + half))
    return Slope(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))


def verdict(slope: Slope) -> str:
    """Return in words whether the heap grows by more than the bound; empty = it does not."""
    if slope.low_mb_h > SLOPE_MB_H_MAX:
        return "it grows by more"
    return "too short to tell: run it for longer" if slope.high_mb_h > SLOPE_MB_H_MAX else ""


def main() -> int:
    """Run it; 1 unless the heap's slope is within the bound for certain."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=60.0, help="how long in Chromium (%(default)s)")
    length.add_argument("--ward-hours", type=float, help="how long in hours of the ward, instead")
    parser.add_argument(
        "--pace", type=float, default=8.0, help="how many times as fast as a ward (%(default)s)"
    )
    parser.add_argument("--beds", type=int, default=60)
    parser.add_argument("--path", default="/", help="/ or /bed/bed-0001")
    parser.add_argument("--own-feed", action="store_true", help="without the shared worker")
    options = parser.parse_args()
    minutes = options.minutes if options.ward_hours is None else options.ward_hours * 60 / options.pace
    ward_h = minutes * options.pace / 60
    print(f"{minutes:g} minutes in Chromium at {options.pace:g} times the pace: {ward_h:g} h of the ward")
    ward = Ward(options.beds, options.pace)
    samples = measure(serve(ward), minutes, options.path, options.own_feed)
    for at_s, used, nodes, listeners in samples[:: max(1, len(samples) // 12)]:
        print(f"{at_s:6.0f} s  heap {used / BYTES_MB:6.2f} MB  {nodes} nodes  {listeners} listeners")
    slope = slope_of(samples, options.pace)
    print(
        f"heap slope {slope.mb_h:+.2f} MB per hour of the ward, 95 % {slope.low_mb_h:+.2f} to "
        f"{slope.high_mb_h:+.2f} (at most {SLOPE_MB_H_MAX:g}){': ' if (said := verdict(slope)) else ''}{said}"
    )
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
