"""What records of one partition are, decoded: frames as columns, ticks, commands, answers about wards, and the rest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from clinical.comparators import NUMBER
from clinical.vitals import ABSENT, COUNT
from streams.contracts.association import Departure
from streams.contracts.command import Order
from streams.contracts.partition_alerts import Note
from streams.contracts.people import Person
from streams.contracts.rules_marks import Marked
from streams.contracts.seals import Place
from streams.decoding.name_column import NameColumn


class Record(Protocol):
    """What the decoder reads of a consumed record."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


Chosen = NDArray[np.bool_] | NDArray[np.int64] | slice

Reason = Literal[
    "null-key",
    "empty",
    "too-large",
    "not-json",
    "invalid",
    "key-mismatch",
    "unproven-command",
    "too-many-patients",
]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is not taken, with the reason that its dead letter carries."""

    record: Record
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passing, at this place of the log. Times in ms."""

    offset: int
    tick_ts_ms: int
    append_ts_ms: int


@dataclass(frozen=True, slots=True)
class PlacedCommand:
    """A command, at this place of the log. Time in ms; `place` is its record of `vitals.commands`, by `person`."""

    offset: int
    append_ts_ms: int
    command: Order
    place: Place
    person: Person


@dataclass(frozen=True, slots=True)
class Unproved:
    """A record at this place of the log that would be a command, or stands for one, if it proved where it came from."""

    offset: int


@dataclass(frozen=True, slots=True)
class Ruled:
    """An answer about a ward, at this place of the log: whether its silent patients are part of the ward's alarm."""

    offset: int
    ward: str
    lost: bool


@dataclass(frozen=True, slots=True)
class Left:
    """A device that does not belong to a stream of this partition, at this place of the log. Time in ms."""

    offset: int
    append_ts_ms: int
    departure: Departure


@dataclass(frozen=True, slots=True)
class Noted:
    """A note about this partition itself, which is not judged. Time in ms."""

    append_ts_ms: int
    note: Note


@dataclass(slots=True)
class Bounds:
    """What frames say of signals in place of values: arrays of the shape of their values, (n, carried).

    `comparator` are codes of `clinical.comparators`, `NUMBER` where there is no bound; `limit` in the signal's unit.
    """

    comparator: NDArray[np.uint8]
    limit: NDArray[np.float64]

    def take(self, chosen: Chosen) -> "Bounds | None":
        """Return those of the chosen frames, None if these say none."""
        comparator = self.comparator[chosen]
        return Bounds(comparator, self.limit[chosen]) if comparator.any() else None

    def among(self, carried: NDArray[np.int64], signals: NDArray[np.int64]) -> "Bounds":
        """Return them as columns of other signals, (n, signals), among which are those that are `carried`."""
        shape, places = (len(self.limit), len(signals)), signals.searchsorted(carried)
        found = Bounds(np.full(shape, NUMBER, np.uint8), np.zeros(shape))
        found.comparator[:, places], found.limit[:, places] = self.comparator, self.limit
        return found


@dataclass(slots=True)
class Frames:
    """Frames as columns, in log order: arrays of shape (n,), `values` of shape (n, carried).

    In `values` -inf is absent and NaN is attached without a reading; a signal that is not `carried` is absent. Names
    are texts, or numbers where compiled code has found them.
    """

    patient: list[str] | NameColumn
    device: list[str] | NameColumn
    boot: NDArray[np.int64]
    seq: NDArray[np.int64]
    event_ts_ms: NDArray[np.int64]
    interval_ms: NDArray[np.int64]
    append_ts_ms: NDArray[np.int64]
    offset: NDArray[np.int64]
    values: NDArray[np.float64]
    carried: NDArray[np.int64]
    """The signals of the columns of `values`, (k,), rising; one that is all absent may be among them."""
    bounds: Bounds | None = None
    """What stands in place of values, which are NaN there; None = nothing, as nearly always."""

    def __len__(self) -> int:
        return len(self.patient)

    def of_all_signals(self, chosen: "NDArray[np.int64] | NDArray[np.bool_] | slice") -> NDArray[np.float64]:
        """Return the values of the chosen frames, (m, signals), absent ones too."""
        values = self.values[chosen]
        wide = np.full((len(values), COUNT), ABSENT)
        wide[:, self.carried] = values
        return wide

    @staticmethod
    def joined(stretches: Sequence["Frames"]) -> "Frames":
        """Return several stretches as one, each behind the one before it; there is at least one."""
        if len(stretches) == 1:
            return stretches[0]
        carried, values = stretches[0].carried, [stretch.values for stretch in stretches]
        if len({stretch.carried.tobytes() for stretch in stretches}) > 1:
            carried = np.array(
                sorted({column for stretch in stretches for column in stretch.carried.tolist()})
            )
            values = [stretch.of_all_signals(slice(None))[:, carried] for stretch in stretches]
        return Frames(
            _joined_names([stretch.patient for stretch in stretches]),
            _joined_names([stretch.device for stretch in stretches]),
            np.concatenate([stretch.boot for stretch in stretches]),
            np.concatenate([stretch.seq for stretch in stretches]),
            np.concatenate([stretch.event_ts_ms for stretch in stretches]),
            np.concatenate([stretch.interval_ms for stretch in stretches]),
            np.concatenate([stretch.append_ts_ms for stretch in stretches]),
            np.concatenate([stretch.offset for stretch in stretches]),
            np.concatenate(values),
            carried,
            _joined_bounds(stretches, carried),
        )

    def take(self, chosen: Chosen) -> "Frames":
        """Return the chosen frames; `chosen` is a mask of shape (n,), a slice, or places where names have numbers."""
        if isinstance(chosen, slice) and len(range(*chosen.indices(len(self)))) == len(self):
            return self
        return Frames(
            _chosen_names(self.patient, chosen),
            _chosen_names(self.device, chosen),
            self.boot[chosen],
            self.seq[chosen],
            self.event_ts_ms[chosen],
            self.interval_ms[chosen],
            self.append_ts_ms[chosen],
            self.offset[chosen],
            self.values[chosen],
            self.carried,
            None if self.bounds is None else self.bounds.take(chosen),
        )


def _joined_bounds(stretches: Sequence[Frames], carried: NDArray[np.int64]) -> Bounds | None:
    if all(stretch.bounds is None for stretch in stretches):
        return None
    found = []
    for one in stretches:
        shape = one.values.shape
        own = one.bounds or Bounds(np.full(shape, NUMBER, np.uint8), np.zeros(shape))
        found.append(own.among(one.carried, carried))
    return Bounds(
        np.concatenate([each.comparator for each in found]), np.concatenate([each.limit for each in found])
    )


def _joined_names(columns: Sequence[list[str] | NameColumn]) -> list[str] | NameColumn:
    first = columns[0]
    if isinstance(first, NameColumn):
        numbers = [
            column.numbers
            for column in columns
            if isinstance(column, NameColumn) and column.names is first.names
        ]
        if len(numbers) == len(columns):
            return NameColumn(first.names, np.concatenate(numbers))
    return [name for column in columns for name in column]


def _chosen_names(names: list[str] | NameColumn, chosen: Chosen) -> list[str] | NameColumn:
    if isinstance(names, NameColumn):
        return names.take(chosen)
    return names[chosen] if isinstance(chosen, slice) else list(compress(names, chosen))


Other = Tick | PlacedCommand | Ruled | Unproved | Left
"""What stands between frames."""

Part = Frames | Other


@dataclass(slots=True)
class Decoded:
    """A run of records decoded: stretches of frames divided by what else stands between them, in log order."""

    parts: list[Part] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Noted] = field(default_factory=list)
    marks: list[Marked] = field(default_factory=list)
    """From where on other rules hold, which whoever judges must know before."""
    refiled: int = 0
    """Copies of frames, filed afterwards: kept in the log, not judged."""


class Decodes(Protocol):
    """What decodes runs of records of the readings, whichever engine it is of."""

    def decode(self, records: Sequence[Record]) -> Decoded:
        """Return the records as columns, ticks, commands, answers about wards, and rejects."""
        ...
