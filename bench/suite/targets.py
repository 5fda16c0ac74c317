"""What Vigil has to reach, and whether it did."""

import math
from collections.abc import Mapping
from typing import Any, Final

DRAIN_RATIOS: Final = {"kafka-streams": 1.0, "bytewax": 2.0, "quix": 5.0, "faust": 50.0, "raw-aiokafka": 0.5}
"""Vigil's drain per core as a multiple of the other system's."""

BASES: Final = ("low", "high")
TAIL: Final = {"p99_ms": "p99", "p999_ms": "p99.9"}
TAIL_RATIOS: Final = {"kafka-streams": 1.0, "faust": 0.1}
"""Vigil's latency in the burst as a multiple of the other system's, at most."""

RECOVERY_S_MAX: Final = 2.0
BYTES_PER_PATIENT_MAX: Final = 20 * 1024
GROWTH_RATIO_MIN: Final = 0.7


Figure = float | None


def targets(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each target with what was measured: `value`, and of whom it is a ratio, `ours` and `theirs`.

    `met` is None where nothing was measured. The report still has infinity where JSON will have null.
    """
    systems, growth = report["systems"], report["vigil"]["growth"]
    ours = systems["vigil"]["drain_frames_per_core_s"]
    found = []
    for name, ratio in DRAIN_RATIOS.items():
        theirs = systems[name]["drain_frames_per_core_s"]
        target = f"drain, frames/s per core, times {name}"
        found.append(_target(target, "at_least", ratio, report["ratios"][name], ours, theirs))
    for base in BASES:
        mine = systems["vigil"]["burst"][base]
        for other, ratio in TAIL_RATIOS.items():
            for figure, label in TAIL.items():
                one, two = _figure(mine, figure), _figure(systems[other]["burst"][base], figure)
                target = f"burst on the {base} base, {label} in ms, times {other}"
                found.append(_target(target, "at_most", ratio, _ratio(one, two), one, two))
        missed = _figure(mine, "missed")
        if missed is not None:
            smaller = (systems["vigil"]["shapes"][base] or {}).values()
            missed = max([missed, *(float(burst["missed"]) for burst in smaller)])
        found.append(_target(f"missed alerts in any burst, {base} base", "at_most", 0, missed))
        recovery = _figure(mine, "recovery_s")
        found.append(_target(f"recovery from the burst, {base} base, s", "at_most", RECOVERY_S_MAX, recovery))
    size = growth["bytes_per_patient_100k"]
    found.append(_target("bytes per patient at 100,000", "at_most", BYTES_PER_PATIENT_MAX, size))
    ratio = growth["drain_ratio_100k_to_10k"]
    target = "drain per core at 100,000 patients, times that at 10,000"
    return [*found, _target(target, "at_least", GROWTH_RATIO_MIN, ratio)]


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


def _target(
    name: str, sense: str, bound: float, value: Figure, ours: Figure = None, theirs: Figure = None
) -> dict[str, Any]:
    """Return one target; `sense` is `at_least` or `at_most`."""
    met = None if value is None else value >= bound if sense == "at_least" else value <= bound
    return {"target": name, sense: bound, "value": value, "ours": ours, "theirs": theirs, "met": met}
