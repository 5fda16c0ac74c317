"""How long fetched bytes take to become columns: ns a frame by objects and by compiled code, in one process.

`python -m bench.kernels` opens and decodes batches of 65 frames (179 bytes, seven signals), as a broker sends them, in
blocks of 4,000 of 10,000 patients and in blocks of one; the best of all rounds, the two ways in turn.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from faust.types import TP

from bench.load import BATCH_BYTES, START_MS, Load, records
from streams.decoding.compiled_decoder import CompiledDecoder
from streams.decoding.decoded import Decodes
from streams.decoding.decoder import Decoder
from streams.engine import prepare_ahead
from streams.lane.checksums import CheckedRecords
from streams.lane.fetched import Batches, Opening, OpenRaw, Stretch
from streams.lane.raw_batches import open_raw

BLOCK: Final = 4_000
PATIENTS: Final = 10_000
ROUNDS: Final = 15
SINGLES: Final = 2_000
READINGS: Final = TP("readings", 0)


def log_of(frames: Sequence[tuple[bytes, bytes]], first: int) -> bytes:
    """Return frames as the batches that a broker sends."""
    log, builder, begun = bytearray(), None, 0
    for i, (key, value) in enumerate(frames):
        if builder is None or builder.append(i - begun, START_MS + i, key, value, []) is None:
            log += _built(builder, first + begun) if builder else b""
            begun = i
            builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, BATCH_BYTES)
            builder.append(0, START_MS + i, key, value, [])
    return bytes(log + _built(builder, first + begun))


def _built(builder: Any, first: int) -> bytes:
    whole: bytearray = builder.build()
    whole[:8] = first.to_bytes(8, "big")
    return bytes(whole)  # checksums are left out on both sides


def opened(log: bytes, first: int, raw: dict[str, OpenRaw]) -> Stretch:
    """Return what the lane makes of a fetch."""
    unchecked = PartitionRecords(READINGS, _Unchecked(log), [], first, None, None, False, READ_COMMITTED)
    (stretch,) = Batches(unchecked, Opening(frozenset(), print, raw=raw))
    return stretch


class _Unchecked(CheckedRecords):
    """Fetched records whose checksums are believed: those take as long either way."""

    def _is_right(self, start: int) -> bool:
        return True


Way = tuple[dict[str, OpenRaw], Decodes]


def best_ns(rounds: int, ways: Sequence[Way], runs: Sequence[Callable[[Way], object]]) -> list[float]:
    """Return the mean over some runs of the shortest time of each, by the way in which it is done, ns."""
    found = np.full((len(ways), len(runs)), np.inf)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            for k, way in enumerate(ways):
                started_ns = time.perf_counter_ns()
                run(way)
                found[k, i] = min(found[k, i], time.perf_counter_ns() - started_ns)
    return [float(best) for best in found.mean(axis=1)]


def _open(log: bytes, first: int, way: Way) -> None:
    opened(log, first, way[0])


def _decode(blocks: dict[int, Sequence[Any]], way: Way) -> None:
    way[1].decode(blocks[id(way)])


def measure(
    logs: Sequence[bytes], firsts: Sequence[int], rounds: int, ways: Sequence[Way]
) -> list[list[float]]:
    """Return how long opening and decoding of a fetch take in each way, ns."""
    fetches = list(zip(logs, firsts, strict=True))
    found = [{id(way): opened(*fetch, way[0])[:] for way in ways} for fetch in fetches]
    return [
        best_ns(rounds, ways, [partial(_open, *fetch) for fetch in fetches]),
        best_ns(rounds, ways, [partial(_decode, blocks) for blocks in found]),
    ]


def main() -> None:
    """Measure, and print a table."""
    prepare_ahead()
    frames = [(key, value) for _, key, value in records(Load(2 * PATIENTS, PATIENTS, 1, ticks=False))]
    starts = range(0, len(frames), BLOCK)
    logs = [log_of(frames[start : start + BLOCK], start) for start in starts]
    ways: list[Way] = [({}, Decoder()), ({READINGS.topic: open_raw}, CompiledDecoder())]
    for raw, decoder in ways:  # all names are known from here on
        for log, start in zip(logs, starts, strict=True):
            decoder.decode(opened(log, start, raw)[:])
    print(f"{'ns a frame':34} {'objects':>9} {'compiled':>9}")
    for name, taken, count in (
        (f"a block of {BLOCK:,}", measure(logs, starts, ROUNDS, ways), BLOCK),
        ("a block of one", measure([log_of(frames[:1], 0)], [0], SINGLES, ways), 1),
    ):
        for what, times in zip(("opened", "decoded"), taken, strict=True):
            objects, compiled = (ns / count for ns in times)
            print(f"{name + ': ' + what:34} {objects:9,.0f} {compiled:9,.0f}")


if __name__ == "__main__":
    main()
