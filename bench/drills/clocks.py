"""A clock for each node's process, which can be moved while it runs: libfaketime before the C library's.

Only the time of day moves, as when somebody sets a machine's clock: what measures durations (CLOCK_MONOTONIC) runs on.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LIBRARIES: Final = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"),
    Path("/usr/lib/faketime/libfaketimeMT.so.1"),
)
"""Where Debian and others put it (package libfaketime)."""

SEEN_S: Final = 1
"""The library looks so often whether the clock was moved, s."""


def library() -> Path | None:
    """Return where libfaketime is, None if it is not installed."""
    return next((path for path in LIBRARIES if path.exists()), None)


class Clocks:
    """The clocks of a drill's nodes, each a file in `folder`; `environment_of` fits `KafkaCluster`."""

    def __init__(self, folder: Path, preloaded: Path) -> None:
        self._folder, self._preloaded = folder, preloaded

    def environment_of(self, node: int) -> Mapping[str, str]:
        """Return the environment of a node's process; its clock is right until it is moved."""
        if not self._file(node).exists():
            self.move(node, 0)
        return os.environ | {
            "LD_PRELOAD": str(self._preloaded),
            "FAKETIME_TIMESTAMP_FILE": str(self._file(node)),
            "FAKETIME_CACHE_DURATION": str(SEEN_S),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # What 0.9.10 does for waits by the other clock takes it that this one is moved, too: a JVM spins.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def move(self, node: int, by_s: int) -> None:
        """Set a node's clock so far ahead of the right time, or behind it."""
        new = self._file(node).with_suffix(".new")
        new.write_text(f"{by_s:+d}s\n", encoding="utf-8")
        new.replace(self._file(node))  # at once: half a file would be another time

    def _file(self, node: int) -> Path:
        return self._folder / f"clock-{node}"
