"""Where a limit is from: the source that the built-in rules name for it, by the numbers of the evidence. Pure.

An alert holds the limits that were in force, not who set them: a source is named only where the built-in rule has these
very limits in some age band. Others are a house's own rules or an order for one patient.
"""

from typing import Final

from clinical.defaults import DEFAULT_RULES
from clinical.rules import AGE_BANDS
from clinical.scores import SHEETS

OWN: Final = "limits of this hospital's own rules, or ordered for this patient"

_RULES: Final = {rule.id: rule for rule in DEFAULT_RULES.limits}
_SHEETS: Final = {sheet.id: sheet for sheet in SHEETS}


def citation_of(rule: str, low: float | None, high: float | None) -> str:
    """Return where the limits of an alarm are from, empty where it has none."""
    if (sheet := _SHEETS.get(rule)) is not None:
        return sheet.source
    if low is None and high is None:
        return ""
    if (known := _RULES.get(rule)) is None:
        return OWN
    bands = (known.limits(band) for band in AGE_BANDS)
    found = dict.fromkeys(band.source for band in bands if (band.low, band.high) == (low, high))
    return "; ".join(source for source in found if source) or OWN
