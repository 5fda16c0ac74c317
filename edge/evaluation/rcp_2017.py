"""NEWS2 as the Royal College of Physicians printed it, to check what the judge makes of it: shares no code with it.

Source: National Early Warning Score (NEWS) 2, 2017, chart 1 (points, SpO2 scale 1) and chart 2 (thresholds and
triggers). A reading is rounded half up to the chart's step, as one writes it down.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

Reading = float | str | bool

# One row a parameter: what the chart prints, from the left, with the points of that column.
# fmt: off
CHART: Final[Mapping[str, tuple[str, tuple[tuple[str, int], ...]]]] = {
    "resp":  ("1",   (("..8", 3), ("9..11", 1), ("12..20", 0), ("21..24", 2), ("25..", 3))),
    "spo2":  ("1",   (("..91", 3), ("92..93", 2), ("94..95", 1), ("96..", 0))),
    "sbp":   ("1",   (("..90", 3), ("91..100", 2), ("101..110", 1), ("111..219", 0), ("220..", 3))),
    "pulse": ("1",   (("..40", 3), ("41..50", 1), ("51..90", 0), ("91..110", 1), ("111..130", 2), ("131..", 3))),
    "temp":  ("0.1", (("..35.0", 3), ("35.1..36.0", 1), ("36.1..38.0", 0), ("38.1..39.0", 1), ("39.1..", 2))),
}
# fmt: on
ON_OXYGEN: Final = 2
NOT_ALERT: Final = 3
"""New confusion, responds to voice or pain, unresponsive."""

AIR_PERCENT: Final = 21.0
"""More inspired oxygen than air has is supplemental oxygen."""

BANDS: Final = ("low", "low-medium", "medium", "high")


def points(parameter: str, value: Reading) -> int:
    """Return the points of a reading: a number in the chart's unit, an ACVPU letter, or whether oxygen is given."""
    if parameter == "consciousness":
        return 0 if value == "A" else NOT_ALERT
    if parameter == "on_oxygen":
        given = value if isinstance(value, bool) else float(value) > AIR_PERCENT
        return ON_OXYGEN if given else 0
    step, columns = CHART[parameter]
    written = Decimal(str(value)).quantize(Decimal(step), ROUND_HALF_UP)
    for cell, found in columns:
        low, _, high = cell.partition("..")
        if (not low or written >= Decimal(low)) and (not high or written <= Decimal(high)):
            return found
    raise AssertionError(f"no column of the chart holds {parameter} {written}")


def band(by_parameter: Mapping[str, int]) -> int:
    """Return the position in `BANDS` of the response that chart 2 asks for."""
    total = sum(by_parameter.values())
    if total >= 7:
        return 3
    if total >= 5:
        return 2
    return 1 if 3 in by_parameter.values() else 0
