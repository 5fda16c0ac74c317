"""Processor time of a drain: user and system time of the whole process, all threads, between two moments; memory."""

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Drain:
    """One system reading a filled topic to its end once: frames, and the time they took.

    `cpu_s` is processor time of the process (all threads), `wall_s` time on the wall; both start at the first
    frame and end at the last, so start-up is not in them.
    """

    frames: int
    cpu_s: float
    wall_s: float

    @property
    def per_core_s(self) -> float:
        """Frames per second of processor time."""
        return self.frames / self.cpu_s

    def print(self) -> None:
        """Hand the result to the parent process: one line of JSON on standard output."""
        print(json.dumps(asdict(self)), flush=True)

    @classmethod
    def parse(cls, output: str) -> "Drain":
        """Read the line that `print` wrote; Faust leaves terminal codes before it."""
        return cls(**json.loads(output[output.rindex("{") :].splitlines()[0]))


class Meter:
    """Measures the process it runs in, from the first frames seen to the last."""

    def __init__(self) -> None:
        self._frames_first = 0
        self._cpu_first_s: float | None = None
        self._wall_first_s = 0.0

    def first(self, frames: int) -> None:
        """Note that `frames` frames have arrived; only the first call counts, what follows it is measured."""
        if self._cpu_first_s is None:
            self._frames_first = frames
            self._cpu_first_s, self._wall_first_s = time.process_time(), time.perf_counter()

    def last(self, frames: int) -> Drain:
        """Return the measurement when `frames` frames have arrived in all."""
        assert self._cpu_first_s is not None
        return Drain(
            frames - self._frames_first,
            time.process_time() - self._cpu_first_s,
            time.perf_counter() - self._wall_first_s,
        )


def cpu_s_of(pid: int) -> float:
    """Return the processor time another process has used, all its threads, s (Linux; steps of 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / CLOCK_TICKS_PER_S


def rss_bytes_of(pid: int) -> int:
    """Return the resident memory of another process (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
