"""How long the judge of frames takes, compiled beside NumPy: `python -m bench.kernels_judge`.

10,000 patients of one device and seven signals under the default rules: all well, or every fifth with a heart rate that
is far too high. Both engines judge the same frames in turn, in one process; the best of several passes counts, because
others may be at work on the machine.
"""

import sys
import time
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from agents.judge_kernels import judge_kernels
from agents.judging.judge import Judge
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.vitals import INDEX
from edge.printing import say
from streams.decoding.decoded import Decoded, Frames
from streams.engine import Engine, prepare_ahead
from tables.patients import PatientTable

PATIENTS: Final = 10_000
WELL: Final = {
    "hr": 75,
    "pulse": 75,
    "spo2": 97,
    "resp": 15,
    "abp_sys": 120,
    "abp_dia": 75,
    "abp_mean": 90,
}
HIGH_HR: Final = 190
START_MS: Final = 1_700_000_000_000
PASSES: Final = 40
SIZES: Final = {4_000: 1, 500: 4, 8: 40, 1: 60}
"""Frames of a block, and how many blocks a pass has."""
ENGINES: Final[tuple[Engine, ...]] = ("numpy", "numba")


class Bed:
    """A judge with its table, and the frames that come next."""

    def __init__(self, engine: Engine, ill_each: int) -> None:
        self._ill_each = ill_each
        self._judge = Judge(DEFAULT_RULES, TimeRules(), 86_400_000, kernels=judge_kernels(engine))
        self.table: PatientTable = self._judge.new_table()
        self._names = [f"patient-{number}" for number in range(PATIENTS)]
        self._carried = np.array(sorted(INDEX[name] for name in WELL))
        self._well = np.array([float(value) for _, value in sorted((INDEX[n], v) for n, v in WELL.items())])
        self._sent = 0

    def blocks(self, size: int, count: int) -> Iterator[Frames]:
        """Yield blocks of the patients' next frames, one patient after the other."""
        for _ in range(count):
            numbers = np.arange(self._sent, self._sent + size)
            self._sent += size
            seq, patient = numbers // PATIENTS, numbers % PATIENTS
            values: NDArray[np.float64] = self._well + np.random.default_rng(0).integers(
                -2, 3, (size, len(self._well))
            )
            values[patient % self._ill_each == self._ill_each - 1, 0] = HIGH_HR
            event_ms = START_MS + seq * 1000 + patient // 10
            yield Frames(
                patient=[self._names[number] for number in patient.tolist()],
                device=["monitor"] * size,
                boot=np.zeros(size, np.int64),
                seq=seq,
                event_ts_ms=event_ms,
                interval_ms=np.full(size, 1000, np.int64),
                append_ts_ms=event_ms + 20,
                offset=numbers,
                values=values,
                carried=self._carried,
            )

    def judge(self, frames: Frames) -> None:
        """Judge one block."""
        self._judge.judge(self.table, Decoded([frames]))

    def pass_us(self, size: int, count: int) -> float:
        """Return how long a frame takes in blocks of this size, us."""
        blocks = list(self.blocks(size, count))
        began = time.perf_counter()
        for frames in blocks:
            self.judge(frames)
        return (time.perf_counter() - began) * 1e6 / (size * count)


def main() -> int:
    """Measure and print; return the exit code."""
    prepare_ahead()
    for title, ill_each in (("all well", PATIENTS * 2), ("every fifth ill", 5)):
        compare(title, ill_each)
    return 0


def compare(title: str, ill_each: int) -> None:
    """Measure both engines on patients of whom one in so many is ill."""
    beds = {engine: Bed(engine, ill_each) for engine in ENGINES}
    for bed in beds.values():
        for frames in bed.blocks(PATIENTS, 3):
            bed.judge(frames)
    for size, count in SIZES.items():
        best = dict.fromkeys(ENGINES, 1000000000.0)
        for _ in range(PASSES):
            for engine, bed in beds.items():
                best[engine] = min(best[engine], bed.pass_us(size, count))
        found = ", ".join(f"{engine} {us:.3f}" for engine, us in best.items())
        say(f"{title}, blocks of {size}, us a frame: {found}")


if __name__ == "__main__":
    sys.exit(main())
