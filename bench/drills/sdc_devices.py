"""Providers of SDC in a drill: processes of the library's own provider, and what they say that they sent."""

import contextlib
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Final, Self

from bench.drills.device_ledger import DeviceLedger
from edge.brokers.tether import spawn, stop
from edge.workers import worker_environment
from streams.config.settings import Settings

PROVIDERS: Final = 3


class SdcDevices:
    """Providers that run while the block lasts; each is a device, and its endpoint reference the device's id."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._folder, self._settings = folder, settings
        self.eprs = [uuid.uuid4().urn for _ in range(PROVIDERS)]
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        """Start them."""
        for epr in self.eprs:
            command = [sys.executable, "-P", "-m", "bench.sdc_provider", epr, "--told", str(self._told(epr))]
            with (self._folder / "providers.log").open("ab") as log:
                self._processes.append(spawn(command, log, worker_environment(self._settings)))
        return self

    def __exit__(self, *_: object) -> None:
        """End them."""
        self.stop()

    def stop(self) -> None:
        """End them: they send no more."""
        for process in self._processes:
            stop(process, 0.0)
        self._processes.clear()

    def ledger(self) -> DeviceLedger:
        """Return what they sent; a line that was cut off is the moment of a report that never left."""
        found = DeviceLedger()
        for epr in self.eprs:
            with contextlib.suppress(FileNotFoundError):
                *whole, _ = self._told(epr).read_text(encoding="ascii").split("\n")
                for line in whole:
                    found.send(epr, int(line))
        return found

    def _told(self, epr: str) -> Path:
        return self._folder / f"{uuid.UUID(epr)}.told"
