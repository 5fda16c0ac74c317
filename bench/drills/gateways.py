"""The gateways of a drill: processes on ports that they keep; start them, kill them, ask whether they take frames."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from bench.drills.releases import OURS, Release
from edge.brokers.cluster import free_ports
from edge.brokers.tether import spawn, stop
from edge.metrics_scrape import scrape
from edge.options import with_changes
from streams.config.settings import Settings
from streams.errors import VigilError

READY_S_MAX: Final = 60.0
"""For a gateway that starts, on a busy machine."""

TERM_S_MAX: Final = 20.0
"""A gateway that is told to stop is gone by then."""

ANSWER_S_MAX: Final = 15.0
POLL_S: Final = 0.1
LOG_TAIL: Final = 1_500
COMMAND: Final = ("edge", "gateway")
SABOTAGED: Final = "bench.drills.sabotaged_gateway"
SABOTAGES: Final = ("early-ack", "fresh-number", "one-of-two")
"""Faults that can be built into gateways (`sabotaged_gateway`)."""


@dataclass(slots=True)
class Gateway:
    """One gateway, whatever process it is at the moment."""

    settings: Settings
    log: Path
    command: tuple[str, ...]
    """Module and arguments."""
    release: Release = OURS
    process: subprocess.Popen[bytes] | None = None
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, without waiting."""
        with self.log.open("ab") as output:
            command, environment = (
                self.release.command(*self.command),
                self.release.environment(self.settings),
            )
            self.process = spawn(command, output, environment)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Ask it to end, wait, and return its exit code."""
        assert self.process is not None
        return stop(self.process, TERM_S_MAX)

    def takes(self) -> bool:
        """Whether it acknowledges a frame at this moment."""
        number = next(self._numbers)
        port = self.settings.gateway_http_port
        frame = {
            "patient": f"g-probe-{port}",
            "device": f"g-probe-{port}",
            "boot": int(time.time()),
            "seq": number,
        }
        frame["event_ts_ms"] = time.time_ns() // 1_000_000
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/readings",
            json.dumps(frame).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:
                return bool(answer.status == 202)
        except (OSError, urllib.error.URLError):
            return False

    def wait_takes(self, wait_s: float) -> float | None:
        """Wait until it acknowledges frames; return after how long, s, None if it does not in time."""
        began_s = time.monotonic()
        while time.monotonic() - began_s < wait_s:
            if self.takes():
                return time.monotonic() - began_s
            time.sleep(POLL_S)
        return None

    def metric(self, name: str, protocol: str) -> float:
        """Return the sum of a protocol's metric over its other labels, 0 where it cannot be read."""
        found = scrape(f"http://127.0.0.1:{self.settings.gateway_metrics_port}/metrics")
        if found is None:
            return 0.0
        return sum(
            value
            for (sample, labels), value in found.samples.items()
            if sample == name and ("protocol", protocol) in labels
        )

    def said(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:]


def start_gateways(
    settings: Settings,
    folder: Path,
    number: int,
    sabotage: str | None,
    *,
    release: Release = OURS,
    **changes: object,
) -> list[Gateway]:
    """Start gateways on ports and in data folders of their own and wait until each takes readings.

    `release` is the version that they are of, `changes` are further settings of each.

    Raises:
        VigilError: one takes none within `READY_S_MAX`.
    """
    ports = free_ports(3 * number)
    gateways = []
    for n in range(number):
        http, mllp, metrics = ports[3 * n : 3 * n + 3]
        own = with_changes(
            settings,
            gateway_http_port=http,
            gateway_mllp_port=mllp,
            gateway_metrics_port=metrics,
            data_dir=folder / f"gateway-{n}",
            **changes,
        )
        command = (SABOTAGED, sabotage) if sabotage in SABOTAGES else COMMAND
        gateways.append(Gateway(own, folder / f"gateway-{n}.log", command, release))
        gateways[-1].start()
    for gateway in gateways:
        if gateway.wait_takes(READY_S_MAX) is None:
            raise VigilError(f"a gateway takes no readings: {gateway.said()}")
    return gateways
