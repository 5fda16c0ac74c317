"""What monitors call the vital signs in their numerics, and which of several that measure the same is read.

Names: MIMIC II and III numerics records, the older of which write `ABP Mean` and `NBP Sys` for `ABPMean` and `NBPSys`;
`ART` and `UAP` (umbilical) are arterial lines as `ABP` is. Case, blanks and signs between the words do not count.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge.readers.units import Unit, unit_of

_LINES: Final = {"abp": "abp", "art": "abp", "uap": "abp", "nbp": "nbp", "nibp": "nbp"}
_PARTS: Final = {"sys": "sys", "dias": "dia", "dia": "dia", "mean": "mean"}
NAMES: Final[dict[str, str]] = {
    "hr": "hr",
    "pulse": "pulse",
    "resp": "resp",
    "rr": "resp",
    "spo2": "spo2",
    "temp": "temp",
    "etco2": "etco2",
    "fio2": "fio2",
    **{line + part: f"{ours}_{of}" for line, ours in _LINES.items() for part, of in _PARTS.items()},
}


@dataclass(frozen=True, slots=True)
class Known:
    """A column or track that is read: its place, the signal it holds, its unit."""

    place: int
    signal: str
    unit: Unit


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is read of a recording, and what is left out, each with the reason where it is no unknown name."""

    known: tuple[Known, ...]
    left_out: tuple[str, ...]

    def notes(self, path: object) -> tuple[str, ...]:
        """Say what is left out, nothing where all is read."""
        return (f"{path}: left out: {', '.join(self.left_out)}",) if self.left_out else ()


def bare(name: str) -> str:
    """Return a name without what does not count in it."""
    return re.sub(r"[\s_.%-]+", "", name).lower()


def signal_named(name: str) -> str | None:
    """Return the signal that a monitor calls so, None if it is none of ours."""
    return NAMES.get(bare(name))


def choose(
    named: Iterable[tuple[str, str]],
    passed_over: Sequence[str] = (),
    signal_of: Callable[[str], str | None] = signal_named,
) -> Chosen:
    """Choose what is read: where two measure the same, the first counts.

    Args:
        named: (name, unit) of each column or track; an empty unit is ours.
        passed_over: names that are no readings at all, such as the time.
        signal_of: gives the signal that a name stands for.
    """
    known: list[Known] = []
    left_out: list[str] = []
    for place, (name, text) in enumerate(named):
        if name in passed_over:
            continue
        signal = signal_of(name)
        if signal is None:
            left_out.append(name)
        elif (unit := unit_of(signal, text)) is None:
            left_out.append(f"{name} (in {text!r})")
        elif any(one.signal == signal for one in known):
            left_out.append(f"{name} (another {signal} stands before it)")
        else:
            known.append(Known(place, signal, unit))
    return Chosen(tuple(known), tuple(left_out))
