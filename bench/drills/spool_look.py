"""What is in the spools of a gateway that was killed, also what was done already: all that a kill must not lose."""

import shutil
import tempfile
from pathlib import Path
from typing import Final

from bench.drills.device_ledger import DeviceLedger
from edge.gateway.spool import Spool
from edge.gateway.spooled import decode_kept
from streams.config.settings import Settings

AT_ONCE: Final = 1_000


def note_spooled(settings: Settings, ledger: DeviceLedger) -> None:
    """Note as acknowledged every frame that is on the disk of a gateway; those that are noted are not noted again."""
    for folder in (settings.data_dir / "spool").glob("*"):
        for device, at_ms in _frames_in(folder, settings.gateway_spool_bytes_max):
            ledger.acknowledge(device, at_ms)


def _frames_in(folder: Path, bytes_max: int) -> list[tuple[str, int]]:
    with tempfile.TemporaryDirectory(prefix="vigil-spool-") as name:
        copy = Path(name) / "spool"
        # Without the mark of how far it is done, a spool is read from its first record on.
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("place", "lock"))
        spool = Spool(copy, bytes_max)
        found = []
        while records := (batch := spool.first(AT_ONCE)).records:
            found += [
                (frame.device, frame.event_ts_ms) for one in records for frame in decode_kept(one).frames
            ]
            spool.done(batch.end)
        spool.close()
    return found
