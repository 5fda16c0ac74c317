"""SDC in a test: a door that keeps what it is given, and providers as processes."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from edge.gateway.accept import Sender
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.sdc.holding import MemoryHolding
from edge.gateway.sdc.sdc_line import SdcAccess, SdcLine

PROVIDER = Path(__file__).with_name("sdc_provider.py")
ANYBODY = Sender("anybody", ("*",), names_patients=True)


class KeepingDoor:
    """Keeps frames; `raises` is raised instead, one a call."""

    def __init__(self):
        self.frames, self.calls, self.raises = [], [], []

    async def readings(self, sender, readings, wait_s=None):
        if self.raises:
            raise self.raises.pop(0)
        self.calls.append((sender, len(readings)))
        self.frames += [reading.frame for reading in readings]
        return [None] * len(readings)


@contextlib.contextmanager
def provider(epr, spo2=85, metrics=2, mode="usual"):
    """Run a provider."""
    process = subprocess.Popen(
        [sys.executable, "-P", str(PROVIDER), epr, str(spo2), str(metrics), mode], stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait(10)


def line_of(door, *providers, identify=lambda epr, names: (ANYBODY, epr), silence_s_max=5.0):
    """Return a line to some providers, and what it counts."""
    metrics = GatewayMetrics()
    counted = metrics.protocol("sdc")
    access = SdcAccess("127.0.0.1", providers, 8, silence_s_max, age_s_max=5.0)
    line = SdcLine(access, identify, Pseudonyms(), MemoryHolding(door, counted), counted)
    return line, metrics
