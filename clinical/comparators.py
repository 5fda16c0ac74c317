"""Bounds that a device gives in place of a number (`<40`, `>=100`): which limits they settle, and what they surely say.

A bound is never a value. It breaks a limit only where every value that it allows does: `<90` a lower limit of 90, for
what is below 90 is below it, `<=90` none of 90. Where some value that it allows is inside it says nothing of the limit,
and it never says that a condition is over: what speaks for an alarm is believed, what speaks against one is a number.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.compiled_limits import CompiledLimits
from clinical.vitals import COUNT, PLAUSIBLE_HIGH, PLAUSIBLE_LOW

COMPARATORS: Final = ("", "<", "<=", ">=", ">")
"""By code, as in FHIR's `quantity-comparator`; a number has none."""

NUMBER, LESS, AT_MOST, AT_LEAST, MORE = range(len(COMPARATORS))

Codes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def surest(comparator: Codes, limit: Floats) -> Floats:
    """Return the mildest value that each bound allows, any shape: below 40 that is the number next to 40.

    What that value breaks, each value breaks that the bound allows; how far it is outside is how far they are at least.
    """
    below = np.where(comparator == LESS, np.nextafter(limit, -np.inf), limit)
    return np.where(comparator == MORE, np.nextafter(limit, np.inf), below)


def believed(comparator: Codes, limit: Floats) -> Codes:
    """Return the codes (n, signals), `NUMBER` for a bound of what no working sensor reports: it says nothing."""
    known = (limit >= PLAUSIBLE_LOW) & (limit <= PLAUSIBLE_HIGH)
    return np.where(known, comparator, NUMBER).astype(np.uint8)


def broken_by(limits: CompiledLimits, comparator: Codes, sure: Floats) -> Bools:
    """Return which rules each patient's bounds settle as broken, (n, rules).

    Args:
        limits: the rules, with one set of limits or one for each patient.
        comparator: (n, signals) codes.
        sure: (n, signals) what `surest` returns, whatever where there is no bound.
    """
    code, value = comparator[:, limits.signal], sure[:, limits.signal]
    below, above = (code == LESS) | (code == AT_MOST), (code == AT_LEAST) | (code == MORE)
    found: Bools = (below & (value < limits.low)) | (above & (value > limits.high))
    return found


def settled(limits: CompiledLimits, comparator: Codes, sure: Floats) -> Bools:
    """Return of which signals the bound settles any rule, (n, signals); the arguments are those of `broken_by`."""
    found = np.zeros((len(comparator), COUNT), np.bool_)
    broken = broken_by(limits, comparator, sure)
    for rule, signal in enumerate(limits.signal.tolist()):
        found[:, signal] |= broken[:, rule]
    return found


def written(comparator: int, sure: float) -> str:
    """Return a bound as devices write it, from its code and what `surest` made of it; of a number its text."""
    inwards = {LESS: np.inf, MORE: -np.inf}.get(comparator)
    limit = sure if inwards is None else float(np.nextafter(sure, inwards))
    return f"{COMPARATORS[comparator]}{limit + 0.0:g}"  # the number below nought's neighbour is a nought with a sign
