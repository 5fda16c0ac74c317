"""The ledger: what became of every record that the loader meant to send."""

import hashlib
from array import array
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Outcome(IntEnum):
    """Accepted: acknowledged by the broker. Unknown: sent without an answer. Refused: certainly not written."""

    ACCEPTED = 0
    UNKNOWN = 1
    REFUSED = 2


def fingerprint(key: bytes | None, value: bytes | None) -> int:
    """Return 64 bits that stand for a record's key and value, None apart from empty."""
    text = b"%d%d%b\0%b" % (key is None, value is None, key or b"", value or b"")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


@dataclass(slots=True)
class Ledger:
    """One entry a record, as columns; `offset` is -1 where the broker named none, `late_ms` behind the schedule."""

    mark: "array[int]" = field(default_factory=lambda: array("Q"))
    partition: "array[int]" = field(default_factory=lambda: array("q"))
    offset: "array[int]" = field(default_factory=lambda: array("q"))
    outcome: "array[int]" = field(default_factory=lambda: array("q"))
    late_ms: "array[int]" = field(default_factory=lambda: array("q"))

    def enter(self, mark: int, partition: int, outcome: Outcome, offset: int = -1, late_ms: int = 0) -> None:
        """Note one record."""
        self.mark.append(mark)
        self.partition.append(partition)
        self.offset.append(offset)
        self.outcome.append(outcome)
        self.late_ms.append(late_ms)

    def __len__(self) -> int:
        return len(self.mark)

    def count(self, outcome: Outcome) -> int:
        """Return how many records had this outcome."""
        return self.outcome.count(outcome)

    def column(self, name: str) -> NDArray[Any]:
        """Return one column as an array, (n,)."""
        return np.array(getattr(self, name))

    def save(self, path: Path) -> None:
        """Write all columns to a file."""
        columns: dict[str, Any] = {name: self.column(name) for name in self.__slots__}
        np.savez(path, **columns)

    @classmethod
    def load(cls, path: Path) -> "Ledger":
        """Read what `save` wrote."""
        with np.load(path) as columns:
            return cls(**{name: array(code, columns[name].tolist()) for name, code in _CODES.items()})


_CODES = {"mark": "Q", "partition": "q", "offset": "q", "outcome": "q", "late_ms": "q"}
