"""Units in which recordings hold vital signs, and how they become Vigil's.

Spellings: UCUM's, and those of monitors' exports and WFDB headers. Factors: 1 kPa = 7.50062 mmHg and
1 cm[H2O] = 0.735559 mmHg (NIST SP 811, appendix B.8).
"""

from dataclasses import dataclass
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from streams.errors import UsageError

DECIMALS: Final = 4
"""A converted reading keeps so many: 102.2 degF is 39 Cel, not 38.99999999999999."""

DUST_DECIMALS: Final = 6

ROUNDED: Final = 0.5
CUT_OFF: Final = 1.001
"""So many codes, at most, is a stored reading away from what was displayed, where the writer rounds or cuts off."""

FINE_CODES: Final = 100
"""A display's step of so many codes has no room for a reading a code away from it: there both kinds are believed."""

NO_UNIT: Final = frozenset({"", "nu"})
"""Spellings of "none given": `NU` is what WFDB writes."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: a reading times `factor`, plus `offset`, is in Vigil's. `step` is a display's step in this unit."""

    factor: float = 1.0
    offset: float = 0.0
    step: float = 1.0

    def convert(self, value: float) -> float:
        """Return a reading in Vigil's unit."""
        if self.factor == 1.0 and self.offset == 0.0:
            return value
        return round(value * self.factor + self.offset, DECIMALS)


_MINUTE: Final = (
    "/min",
    "1/min",
    "min-1",
    "bpm",
    "rpm",
    "brpm",
    "pm",
    "{beats}/min",
    "beats/min",
    "breaths/min",
)
_SPELLINGS: Final[dict[str, tuple[tuple[tuple[str, ...], Unit], ...]]] = {
    "/min": ((_MINUTE, Unit()), (("hz", "/s", "1/s"), Unit(factor=60.0, step=0.01))),
    "%": ((("%", "percent", "pct"), Unit()), (("1", "fraction"), Unit(factor=100.0, step=0.01))),
    "mm[Hg]": (
        (("mmhg", "mm[hg]", "torr"), Unit()),
        (("kpa",), Unit(factor=7.50062, step=0.1)),
        (("mbar", "hpa"), Unit(factor=0.750062)),
        (("cmh2o", "cm[h2o]"), Unit(factor=0.735559)),
    ),
    "Cel": (
        (("cel", "c", "degc", "celsius"), Unit(step=0.1)),
        (("[degf]", "degf", "f", "fahrenheit"), Unit(factor=5 / 9, offset=-160 / 9, step=0.1)),
        (("k", "kelvin"), Unit(offset=-273.15, step=0.1)),
    ),
}
_UNITS: Final = {
    ours: {spelling: unit for spellings, unit in own for spelling in spellings}
    for ours, own in _SPELLINGS.items()
}


def unit_of(signal: str, text: str) -> Unit | None:
    """Return the unit that `text` spells for readings of `signal`, None if it is none of them."""
    ours = SIGNALS[INDEX[signal]]
    key = text.strip().lower().replace(" ", "").replace("\N{DEGREE SIGN}", "")
    if key in NO_UNIT:
        return Unit(step=ours.resolution)
    return _UNITS.get(ours.ucum, {}).get(key)


def named_unit(signal: str, text: str) -> Unit:
    """Return the unit that a user names for a signal.

    Raises:
        UsageError: readings of the signal do not come in it.
    """
    unit = unit_of(signal, text)
    if unit is None:
        there = ", ".join(_UNITS.get(SIGNALS[INDEX[signal]].ucum, {})) or "none"
        raise UsageError(f"columns: {signal} does not come in {text!r}; its units are {there}")
    return unit


def snap(value: float, gain: float, unit: Unit) -> float:
    """Return the display's value that a stored one stands for: the nearest step, if no reading beside it can be meant.

    A file holds whole codes, `gain` of them a unit: 120 by a gain that does not hold it comes back as 120.00033. Tenths
    hold 89.9, which is no 90.
    """
    nearest = round(round(value / unit.step) * unit.step, DUST_DECIMALS)
    codes = abs(nearest - value) * abs(gain)
    codes_max = CUT_OFF if abs(gain) * unit.step >= FINE_CODES else ROUNDED
    return nearest if gain and codes < codes_max else value
