"""What Vigil has to reach, and whether it did: ratios to others in the same run, and bounds on its own figures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

Target = dict[str, Any]
Figure = float | None

DRAIN_RATIOS: Final = {
    "kafka-streams": 1.6,
    "flink": 1.4,
    "bytewax": 2.0,
    "quix": 5.0,
    "faust": 50.0,
    "raw-aiokafka": 0.5,
    "raw-librdkafka": 0.75,
}
"""Vigil's drain per core as a multiple of the other system's, at least."""
WALL_RATIOS: Final = {"kafka-streams": 1.4}
"""The same of the drain on the wall."""

BASES: Final = ("low", "high")
TAIL: Final = {"p99_ms": "p99", "p999_ms": "p99.9"}
TAIL_RATIOS: Final = {"kafka-streams": 1.0, "faust": 0.1}
"""Vigil's latency in the burst as a multiple of the other system's, at most."""

HIGH_P99_MS_MAX: Final = 1_000.0
HIGH_FACTOR: Final = 10.0
"""The burst on the high base: how late an alert may be, and how many times the base the driver must offer."""
RECOVERY_S_MAX: Final = 2.0

BLOCK_US_MAX: Final = {
    "judge_one": ("a block of one frame judged", 30.0),
    "fetch": ("a fetch of 8 frames of 4 partitions decoded and judged", 150.0),
    "fetch_in_alarm": ("the same fetch with one of the 8 patients in alarm", 150.0),
}
"""Processor time, us."""

WORKER_PATIENTS: Final = 10_000
WORKER_BYTES_MAX: Final = 350e6
BYTES_PER_PATIENT_MAX: Final = 20 * 1024
GROWTH_RATIO_MIN: Final = 0.7

COMPILED, PLAIN = "numba", "numpy"
START_MORE_S_MAX: Final = 1.0
"""How much later the first frame may be judged with compiled loops than without."""
TAKEOVER_S_MAX: Final = 11.8
"""The longest gap before there were compiled loops, of which 10 s are the session timeout: drill `kill-worker`,
14 workers (docs/guarantees.md)."""


def targets(report: Mapping[str, Any]) -> list[Target]:
    """Return each target with what was measured: `value`, and of whom it is a ratio, `ours` and `theirs`.

    `met` is None where nothing was measured. The report still has infinity where JSON will have null.
    """
    return [
        *_drains(report["systems"]),
        *_bursts(report["systems"]),
        *_high_burst(report),
        *_little(report["vigil"]),
        *_worker(report["vigil"]),
        *_growth(report["vigil"]["growth"]),
    ]


def _drains(systems: Mapping[str, Any]) -> Iterator[Target]:
    ours = systems["vigil"]["drain_frames_per_core_s"]
    for name, bound in DRAIN_RATIOS.items():
        theirs = systems[name]["drain_frames_per_core_s"]
        yield _times(f"drain, frames/s per core, times {name}", "at_least", bound, ours, theirs)
    for name, bound in WALL_RATIOS.items():
        ours, theirs = wall_hz(systems["vigil"]), wall_hz(systems[name])
        yield _times(f"drain, frames/s on the wall, times {name}", "at_least", bound, ours, theirs)


def _bursts(systems: Mapping[str, Any]) -> Iterator[Target]:
    for base in BASES:
        mine = systems["vigil"]["burst"][base]
        for other, bound in TAIL_RATIOS.items():
            for figure, label in TAIL.items():
                one, two = _figure(mine, figure), _figure(systems[other]["burst"][base], figure)
                yield _times(
                    f"burst on the {base} base, {label} in ms, times {other}", "at_most", bound, one, two
                )
        missed = _figure(mine, "missed")
        if missed is not None:
            smaller = (systems["vigil"]["shapes"][base] or {}).values()
            missed = max([missed, *(float(burst["missed"]) for burst in smaller)])
        yield _target(f"missed alerts in any burst, {base} base", "at_most", 0, missed)
        recovery = _figure(mine, "recovery_s")
        yield _target(f"recovery from the burst, {base} base, s", "at_most", RECOVERY_S_MAX, recovery)


def _high_burst(report: Mapping[str, Any]) -> Iterator[Target]:
    p99_ms = _figure(report["systems"]["vigil"]["burst"]["high"], "p99_ms")
    yield _target("burst on the high base, p99 in ms", "at_most", HIGH_P99_MS_MAX, p99_ms)
    factor = (report["bases"].get("high") or {}).get("factor")
    yield _target("times the high base that the driver offers on time", "at_least", HIGH_FACTOR, factor)


def _little(vigil: Mapping[str, Any]) -> Iterator[Target]:
    """Yield what little costs, with the fastest engine that was measured."""
    found: Sequence[Mapping[str, Any]] = list(vigil["blocks"].values())
    for kind, (name, bound) in BLOCK_US_MAX.items():
        value = min((engine[kind]["median_us"] for engine in found), default=None)
        yield _target(f"{name}, us of processor time", "at_most", bound, value)


def _worker(vigil: Mapping[str, Any]) -> Iterator[Target]:
    yield _target(
        f"memory of a worker of {WORKER_PATIENTS:,} patients, MB",
        "at_most",
        WORKER_BYTES_MAX / 1e6,
        vigil["worker_bytes_10k"] and vigil["worker_bytes_10k"] / 1e6,
    )
    start = {engine: found["median"] for engine, found in vigil["start"].items()}
    more_s = start[COMPILED] - start[PLAIN] if {COMPILED, PLAIN} <= set(start) else None
    name = f"start to the first judged frame with {COMPILED}, s more than with {PLAIN}"
    yield _target(name, "at_most", START_MORE_S_MAX, more_s)
    longest = vigil["takeover"] and vigil["takeover"]["median"]
    yield _target("longest gap when a worker is killed, s", "at_most", TAKEOVER_S_MAX, longest)


def _growth(growth: Mapping[str, Any]) -> Iterator[Target]:
    size = growth["bytes_per_patient_100k"]
    yield _target("bytes per patient at 100,000", "at_most", BYTES_PER_PATIENT_MAX, size)
    ratio = growth["drain_ratio_100k_to_10k"]
    target = "drain per core at 100,000 patients, times that at 10,000"
    yield _target(target, "at_least", GROWTH_RATIO_MIN, ratio)


def wall_hz(system: Mapping[str, Any]) -> Figure:
    """Return what a system drains, frames/s on the wall; None where that is not measured or does not count."""
    counts = system["drain"] and system["equal"] is not False
    return float(system["drain"]["wall_frames_s"]) if counts else None


def _figure(burst: Mapping[str, Any] | None, name: str) -> Figure:
    """Return a figure of a burst, None without a valid run; infinite for a system that does not sustain the base."""
    if burst is None or not (burst["repeats"] or not burst["keeps_up"]):
        return None
    return float(burst[name]) if burst["repeats"] else math.inf


def _ratio(mine: Figure, other: Figure) -> Figure:
    if mine is None or other is None:
        return None
    if math.isinf(mine):
        return math.inf
    return 0.0 if math.isinf(other) else mine / other


def _times(name: str, sense: str, bound: float, ours: Figure, theirs: Figure) -> Target:
    """Return a target on a ratio."""
    return _target(name, sense, bound, _ratio(ours, theirs)) | {"ours": ours, "theirs": theirs}


def _target(name: str, sense: str, bound: float, value: Figure) -> Target:
    """Return one target; `sense` is `at_least` or `at_most`."""
    met = None if value is None else value >= bound if sense == "at_least" else value <= bound
    return {"target": name, sense: bound, "value": value, "ours": None, "theirs": None, "met": met}
