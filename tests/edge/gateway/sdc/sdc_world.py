"""SDC in a test: a door that keeps what it is given, and providers as processes."""

import contextlib
import os
import signal
import subprocess
import sys

from edge.gateway.accept import Sender
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.sdc.sdc_line import SdcAccess, SdcLine
from edge.gateway.spool import Spool
from edge.gateway.spooled import SpooledDoor

PROVIDER = [sys.executable, "-m", "bench.sdc_provider"]
SPOOL_BYTES = 1_000_000
ANYBODY = Sender("anybody", ("*",), names_patients=True)


class KeepingDoor:
    """Keeps frames."""

    def __init__(self):
        self.frames = []

    async def readings(self, sender, readings, wait_s=None):
        self.frames += [reading.frame for reading in readings]
        return [None] * len(readings)


@contextlib.contextmanager
def provider(epr, spo2=85, metrics=2, mode="usual"):
    """Run a provider."""
    process = subprocess.Popen(
        [*PROVIDER, epr, str(spo2), "--metrics", str(metrics), "--mode", mode], stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait(10)


def line_of(
    folder,
    door,
    *providers,
    identify=lambda epr, names: (ANYBODY, epr),
    silence_s_max=5.0,
    providers_max=8,
):
    """Return a line to some providers, and what it counts."""
    metrics = GatewayMetrics()
    counted = metrics.protocol("sdc")
    access = SdcAccess("127.0.0.1", providers, providers_max, silence_s_max, age_s_max=5.0)
    spooled = SpooledDoor(Spool(folder, SPOOL_BYTES), door, lambda name: ANYBODY, counted)
    line = SdcLine(access, identify, Pseudonyms(), spooled, counted)
    return line, metrics
