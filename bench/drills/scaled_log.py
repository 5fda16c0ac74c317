"""The log of readings that were given more partitions, as one: what each partition of today was judged by.

Knows nothing of how the state was split: each partition of today is judged anew by the whole log of the partitions that
it came from, up to their cuts, of which the frames of others' patients are left out, and then by its own.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.drills.ledger import fingerprint
from bench.drills.oracle import Oracle
from streams.contracts.frame import TICK_KEY
from streams.contracts.partition_names import canary_name
from streams.contracts.partitions import partition_of


@dataclass(slots=True)
class Renumbered:
    """A record at its place in the log as one."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class Part:
    """One generation as it was read back: its partitions' records, and up to where each was judged, None = its end."""

    records: list[list[Any]]
    cuts: list[int] | None

    def judged(self, partition: int) -> list[Any]:
        """Return what was judged of a partition."""
        cut = None if self.cuts is None else self.cuts[partition]
        return [record for record in self.records[partition] if cut is None or record.offset < cut]

    def behind(self, partition: int) -> list[Any]:
        """Return what came behind the cut."""
        cut = None if self.cuts is None else self.cuts[partition]
        return [] if cut is None else [record for record in self.records[partition] if record.offset >= cut]


def as_one(parts: Sequence[Part], partition: int) -> tuple[list[Renumbered], int]:
    """Return the log of a partition of the last generation, and by how much its own offsets are shifted in it."""
    count = len(parts[-1].records)
    found: list[Renumbered] = []
    for part in parts[:-1]:
        before = partition % len(part.records)
        for record in part.judged(before):
            if _is_of(record.key, before, partition, count):
                found.append(Renumbered(len(found), record.timestamp, record.key, record.value))
    shift = len(found)
    found += [
        Renumbered(shift + record.offset, record.timestamp, record.key, record.value)
        for record in parts[-1].records[partition]
    ]
    return found, shift


def _is_of(key: bytes | None, before: int, partition: int, count: int) -> bool:
    """Whether a record of an old partition concerns patients of a partition of today."""
    if key is None or (key.startswith(b"~") and not key.startswith(b"~device/")):
        return True
    name = key.decode()
    return partition == before if name == canary_name(before) else partition_of(name, count) == partition


def feed(oracle: Oracle, parts: Sequence[Part]) -> list[int]:
    """Have an oracle judge the log as one; return the shift of each partition's own offsets."""
    shifts = []
    for partition in range(len(parts[-1].records)):
        records, shift = as_one(parts, partition)
        oracle.take_readings(partition, records)
        shifts.append(shift)
    # What the loader was told of, it was told of the first generation.
    oracle.marks = {
        partition: {record.offset: fingerprint(record.key, record.value) for record in records}
        for partition, records in enumerate(parts[0].records)
    }
    return shifts


def forwarding_faults(parts: Sequence[Part]) -> tuple[int, int, int]:
    """Return how many frames behind cuts the next generation lacks, how many it has twice, and of how many patients in
    another order.
    """
    lost = twice = disordered = 0
    for part, after in pairwise(parts):
        came = _by_key(record for partition in after.records for record in partition)
        for partition in range(len(part.records)):
            for key, values in _by_key(part.behind(partition)).items():
                there = came.get(key, [])
                wanted, found = Counter(values), Counter(there)
                lost += (wanted - found).total()
                twice += sum(found[value] > count for value, count in wanted.items())
                in_order = [value for value in dict.fromkeys(there) if value in wanted]
                disordered += in_order != list(dict.fromkeys(values)) and not wanted - found
    return lost, twice, disordered


def _by_key(records: Iterable[Any]) -> dict[bytes, list[bytes | None]]:
    found: defaultdict[bytes, list[bytes | None]] = defaultdict(list)
    for record in records:
        if (
            record.key is not None
            and record.key != TICK_KEY
            and not record.key.startswith((b"~", b"vigil-canary"))
        ):
            found[record.key].append(record.value)
    return found
