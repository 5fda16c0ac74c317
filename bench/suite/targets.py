"""What Vigil has to reach, and whether it did."""

import math
from collections.abc import Mapping
from typing import Any, Final

DRAIN_RATIOS: Final = {"kafka-streams": 1.0, "bytewax": 2.0, "quix": 5.0, "faust": 50.0, "raw-aiokafka": 0.5}
"""Vigil's drain per core as a multiple of the other system's."""

BASES: Final = ("low", "high")
TAIL: Final = ("p99_ms", "p999_ms")
TAIL_RATIOS: Final = {"kafka-streams": 1.0, "faust": 0.1}
"""Vigil's latency in the burst as a multiple of the other system's, at most."""

RECOVERY_S_MAX: Final = 2.0
BYTES_PER_PATIENT_MAX: Final = 20 * 1024
GROWTH_RATIO_MIN: Final = 0.7


def targets(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each target with the value that was measured; `met` is None where nothing was.

    The report still has infinity where JSON will have null.
    """
    systems, growth = report["systems"], report["vigil"]["growth"]
    found = [
        _at_least(f"drain per core, times {name}", report["ratios"][name], ratio)
        for name, ratio in DRAIN_RATIOS.items()
    ]
    for base in BASES:
        for other, ratio in TAIL_RATIOS.items():
            for figure in TAIL:
                value = _ratio(systems["vigil"]["burst"][base], systems[other]["burst"][base], figure)
                found.append(_at_most(f"burst on the {base} base, {figure}, times {other}", value, ratio))
        burst = systems["vigil"]["burst"][base]
        found.append(_at_most(f"missed alerts, {base} base", _figure(burst, "missed"), 0))
        found.append(
            _at_most(f"recovery from the burst, {base} base, s", _figure(burst, "recovery_s"), RECOVERY_S_MAX)
        )
    found.append(
        _at_most("bytes per patient at 100,000", growth["bytes_per_patient_100k"], BYTES_PER_PATIENT_MAX)
    )
    found.append(
        _at_least(
            "drain per core at 100,000 patients, times that at 10,000",
            growth["drain_ratio_100k_to_10k"],
            GROWTH_RATIO_MIN,
        )
    )
    return found


def _figure(burst: Mapping[str, Any] | None, name: str) -> float | None:
    """Return a figure of a burst, None without a valid run."""
    return float(burst[name]) if burst is not None and burst["repeats"] else None


def _ratio(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None, name: str) -> float | None:
    mine, other = _figure(ours, name), _figure(theirs, name)
    if mine is None or other is None:
        return None
    if math.isinf(mine):
        return math.inf
    return 0.0 if math.isinf(other) else mine / other


def _at_least(name: str, value: float | None, bound: float) -> dict[str, Any]:
    return {
        "target": name,
        "at_least": bound,
        "value": value,
        "met": None if value is None else value >= bound,
    }


def _at_most(name: str, value: float | None, bound: float) -> dict[str, Any]:
    return {
        "target": name,
        "at_most": bound,
        "value": value,
        "met": None if value is None else value <= bound,
    }
