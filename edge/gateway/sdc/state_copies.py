"""What an SDC report said, copied: the library's objects change under whoever keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

METRICS_MAX: Final = 2_000
"""Of one report; a monitor has some hundred."""

CODES_MAX: Final = 8
"""Of one metric: its own and its translations."""

Code = tuple[str, str]
"""Code and coding system; an empty system is that of ISO/IEEE 11073-10101."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A numeric metric's state with what its descriptor says.

    `determined_s` is its DeterminationTime, Unix epoch, s; `version` counts its changes (StateVersion).
    """

    handle: str
    version: int
    codes: tuple[Code, ...]
    unit: str
    value: Decimal | float | None
    validity: str
    mode: str
    activation: str
    determined_s: float | None


@dataclass(frozen=True, slots=True)
class StateReport:
    """One report of a provider. `sequence` names the life of its numbers, `mdib_version` counts in it.

    `patients` are the identifications (root, extension) of all patients that it says are associated; `heard_s` is
    when it came, Unix epoch, s.
    """

    sequence: str
    mdib_version: int
    metrics: tuple[Metric, ...]
    patients: tuple[tuple[str, str], ...]
    interval_ms: int
    heard_s: float


def metrics_of(states: Iterable[Any]) -> tuple[Metric, ...]:
    """Copy the numeric metrics among the library's states."""
    found: list[Metric] = []
    for state in states:
        if len(found) == METRICS_MAX:
            break
        descriptor, value = state.descriptor_container, state.MetricValue
        if not hasattr(descriptor, "Resolution") or hasattr(descriptor, "SamplePeriod"):
            continue
        if value is not None and not isinstance(value.Value, Decimal | float | int | None):
            continue
        found.append(_metric(state, descriptor, value))
    return tuple(found)


def _metric(state: Any, descriptor: Any, value: Any) -> Metric:
    quality = None if value is None else value.MetricQuality
    return Metric(
        state.DescriptorHandle,
        int(state.StateVersion or 0),
        codes_of(descriptor.Type),
        "" if descriptor.Unit is None else str(descriptor.Unit.Code),
        None if value is None else value.Value,
        "NA" if quality is None else _text(quality.Validity),
        "Real" if quality is None else _text(quality.Mode) or "Real",
        _text(state.ActivationState) or "On",
        None if value is None else value.DeterminationTime,
    )


def codes_of(coded: Any) -> tuple[Code, ...]:
    """Return a coded value's code and its translations."""
    if coded is None:
        return ()
    alike = [coded, *coded.Translation][:CODES_MAX]
    return tuple((str(one.Code), str(one.CodingSystem or "")) for one in alike)


def patients_of(states: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    """Return the identification of each associated patient: its first that has an extension."""
    found = []
    for state in states:
        if _text(state.ContextAssociation) != "Assoc":
            continue
        named = [(str(one.Root or ""), str(one.Extension)) for one in state.Identification if one.Extension]
        found.append(named[0] if named else ("", ""))
    return tuple(found)


def _text(value: Any) -> str:
    """Return the text of the library's word, which may be an enumeration's."""
    return "" if value is None else str(getattr(value, "value", value))
