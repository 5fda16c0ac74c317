"""What is searched for in FHIR: every parameter is understood, or the search is refused. Pure.

A filter that is silently left out shows another patient's values, and a list that is shorter than it seems looks like
an all-clear. Source: HL7 FHIR R4 and R5, Search.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from edge.fhir.alarm_flags import ALARM_EVIDENCE, CATEGORIES
from edge.fhir.elements import CATEGORY, STREAM
from edge.fhir.vital_observations import VITAL_SIGNS
from edge.gateway.accept import Refusal
from edge.gateway.fhir.fhir_codes import MEANINGS
from edge.gateway.fhir.fhir_times import CHARACTERS_MAX, moment_ms

Kind = Literal["Observation", "Flag"]

COUNT_USUAL: Final = 100
COUNT_MAX: Final = 200
"""Of one page; who asks for more gets so many and a link to the next."""

VALUES_MAX: Final = 50
"""Of one parameter, behind commas."""

TEXT_CHARS_MAX: Final = 2_000
SECOND_MS: Final = 1_000
"""A time without a fraction stands for its whole second, where it is equal or the last."""

NAME_CHARS_MAX: Final = 40

FLAG_STATUSES: Final = frozenset({"active", "inactive", "entered-in-error"})
FLAG_STATUS: Final = "http://hl7.org/fhir/flag-status"
JSON_FORMATS: Final = frozenset({"json", "application/json", "application/fhir+json"})
DETAIL: Final = "Flag:detail"
COMPARISONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "eq": lambda one, other: one == other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
}


@dataclass(slots=True)
class Search:
    """What is asked for; None = not narrowed by it. Times in ms."""

    patients: tuple[str, ...] | None = None
    ids: frozenset[str] | None = None
    signals: frozenset[str] | None = None
    categories: frozenset[str] | None = None
    statuses: frozenset[str] | None = None
    moments: list[tuple[str, int]] = field(default_factory=list)
    count: int = COUNT_USUAL
    after: str = ""
    has_detail: bool = False

    def is_within(self, ts_ms: int) -> bool:
        """Tell whether a moment is within what is asked for."""
        return all(COMPARISONS[prefix](ts_ms, other) for prefix, other in self.moments)


class _Wrong(Exception):
    """A value that is not understood."""


def _patient(search: Search, text: str) -> None:
    search.patients = tuple(_id(one.removeprefix("Patient/")) for one in _values(text))


def _identifier(search: Search, text: str) -> None:
    found = [one.partition("|") for one in _values(text)]
    if any(system != STREAM for system, _, _ in found):
        raise _Wrong(f"a patient's identifier is {STREAM}|ID")
    search.patients = tuple(_id(value) for _, _, value in found)


def _id(text: str) -> str:
    if not text or "|" in text:
        raise _Wrong("a patient is named by its id")
    return text


def _ids(search: Search, text: str) -> None:
    search.ids = frozenset(_values(text))


def _code(search: Search, text: str) -> None:
    search.signals = frozenset(signal for one in _values(text) for signal in _signals(one))


def _signals(token: str) -> Iterable[str]:
    """Return the signals that a code stands for, as it does where readings come in."""
    system, bar, code = token.rpartition("|")
    found = [
        signal
        for (known, name), signals in MEANINGS.items()
        if name == code and (not bar or known == system)
        for signal in signals
    ]
    if not found:
        raise _Wrong("a code is not of a vital sign that Vigil knows; name it as system|code")
    return found


def _category(search: Search, text: str) -> None:
    search.categories = frozenset(
        _token(one, {VITAL_SIGNS: CATEGORY, ALARM_EVIDENCE: CATEGORIES}) for one in _values(text)
    )


def _status(search: Search, text: str) -> None:
    search.statuses = frozenset(
        _token(one, dict.fromkeys(FLAG_STATUSES, FLAG_STATUS)) for one in _values(text)
    )


def _token(text: str, systems: Mapping[str, str]) -> str:
    system, bar, code = text.rpartition("|")
    if code not in systems or (bar and system != systems[code]):
        raise _Wrong(f"one of {', '.join(sorted(systems))}")
    return code


def _moment(search: Search, text: str) -> None:
    prefix, rest = (text[:2], text[2:]) if text[:2] in COMPARISONS else ("eq", text)
    found = moment_ms(rest) if len(rest) <= CHARACTERS_MAX else Refusal("no-time", "this is no FHIR time")
    if isinstance(found, Refusal):
        raise _Wrong(f"{found.detail} (before it eq, gt, ge, lt or le; + is %2B in an address)")
    is_whole_second = "." not in rest
    if is_whole_second and prefix == "eq":
        search.moments += [("ge", found), ("lt", found + SECOND_MS)]
    elif is_whole_second and prefix == "le":
        search.moments.append(("lt", found + SECOND_MS))
    else:
        search.moments.append((prefix, found))


def _count(search: Search, text: str) -> None:
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise _Wrong("a whole number from 1")
    search.count = min(int(text), COUNT_MAX)


def _after(search: Search, text: str) -> None:
    if "|" not in text:
        raise _Wrong("a place that a page's own link named")
    search.after = text


def _format(_: Search, text: str) -> None:
    if text not in JSON_FORMATS:
        raise _Wrong("answers are JSON")


def _include(search: Search, text: str) -> None:
    if text != DETAIL:
        raise _Wrong(f"only {DETAIL} is included")
    search.has_detail = True


def _values(text: str) -> list[str]:
    found = text.split(",")
    if len(found) > VALUES_MAX or not all(found):
        raise _Wrong(f"1 to {VALUES_MAX} values, with commas between them")
    return found


_COMMON: Final[dict[str, Callable[[Search, str], None]]] = {
    "patient": _patient,
    "patient:identifier": _identifier,
    "patient.identifier": _identifier,
    "_id": _ids,
    "_count": _count,
    "_after": _after,
    "_format": _format,
}
PARAMETERS: Final[dict[Kind, dict[str, Callable[[Search, str], None]]]] = {
    "Observation": {**_COMMON, "code": _code, "category": _category, "date": _moment},
    "Flag": {**_COMMON, "status": _status, "_lastUpdated": _moment, "_include": _include},
}
AND_AGAIN: Final = frozenset({"date", "_lastUpdated"})
"""May stand there twice: a time from and a time until."""


def search_of(kind: Kind, query: Iterable[tuple[str, str]]) -> Search | Refusal:
    """Return what the parameters of an address ask for, or why they are refused."""
    known, seen, search = PARAMETERS[kind], set[str](), Search()
    for name, text in query:
        read: Any = known.get(name)
        if read is None:
            names = ", ".join(sorted(known))
            return Refusal("parameter", f"{name[:NAME_CHARS_MAX]} is not known for {kind}: {names}")
        place = "patient" if name.startswith("patient") else name
        if place in seen and place not in AND_AGAIN:
            return Refusal("parameter-value", f"{place} stands there twice: put commas between values")
        seen.add(place)
        if len(text) > TEXT_CHARS_MAX:
            return Refusal("parameter-value", f"{name}: more than {TEXT_CHARS_MAX} characters")
        try:
            read(search, text)
        except _Wrong as why:
            return Refusal("parameter-value", f"{name}: {why}")
    return search
