"""The moment of an Observation: a time to the second with its zone, or why it says none."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.fhir.resources import NOTHING, Observation
from streams.contracts.frame import EVENT_TS_MS_MAX

ZONE_MINUTES_MAX: Final = 14 * 60
CHARACTERS_MAX: Final = 64
"""Of a time: a longer text is none, and would be kept in mind by `moment_ms`."""

_FORM: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:(\d\d))(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:[0-5]\d)", re.ASCII
)
_PART: Final = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_NO_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+", re.ASCII)


def _none(detail: str) -> Refusal:
    return Refusal("no-time", detail)


NOT_A_TIME: Final = _none("this is no FHIR time")


@lru_cache(maxsize=8_192)
def moment_ms(text: str) -> int | Refusal:
    """Return a dateTime or instant as Unix epoch, ms; what is beyond a millisecond is cut off.

    A day, month or year is no time of a reading; one without a zone is one of many; a leap second has no number.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        if _PART.fullmatch(text):
            return _none("the time is a day, a month or a year: give it to the second, with its zone")
        if _NO_ZONE.fullmatch(text):
            return _none("the time has no zone: write Z or an offset behind it")
        return NOT_A_TIME
    second, fraction, zone = found[2], found[3], found[4]
    if second == "60":
        return _none("a leap second has no number of its own: send the second before or after it")
    if zone != "Z" and int(zone[1:3]) * 60 + int(zone[4:]) > ZONE_MINUTES_MAX:
        return _none("there is no such zone")
    try:
        whole_s = int(datetime.fromisoformat(found[1] + ("+00:00" if zone == "Z" else zone)).timestamp())
    except (ValueError, OverflowError):
        return _none("there is no such time")
    at_ms = whole_s * 1_000 + (int(fraction.ljust(3, "0")[:3]) if fraction else 0)
    if not 0 <= at_ms <= EVENT_TS_MS_MAX:
        return _none("the time is before 1970 or after 2100")
    return at_ms


def time_of(observation: Observation) -> int | Refusal:
    """Return when an Observation was made, ms: effectiveDateTime, effectiveInstant, or a Period's end.

    Others (`issued`, a Timing) do not say it.
    """
    period = observation.effectivePeriod
    given = [one for one in (observation.effectiveDateTime, observation.effectiveInstant) if one]
    if period is not None:
        given.append(period.end)
    if len(given) != 1 or observation.effectiveTiming is not NOTHING:
        return _none("give one of effectiveDateTime, effectiveInstant and effectivePeriod")
    if not given[0]:
        return _none("effectivePeriod has no end: it still lasts")
    return moment_ms(given[0]) if len(given[0]) <= CHARACTERS_MAX else NOT_A_TIME
