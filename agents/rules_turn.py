"""Where other rules begin: a worker judges up to the mark of a newer decision and not past it.

What is fetched from behind the mark is let fall here: it is not part of the state and not committed, so whoever judges
by the new rules begins at the mark.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from streams.decoding.decoded import Decoded, Decodes
from streams.lane.block import Block
from streams.lane.work_off import Admitted

UNKNOWN_MS: Final = 60_000
"""A mark that was there so long before the worker read which rules hold, and is of none of those, is nobody's: its
decision is lost. Longer than any two clocks differ [M]."""


@dataclass(slots=True)
class RulesTurn:
    """What a worker knows of it.

    `group` is the worker's, `number` the newest decision that it knew when it began, and `read_ms` when that was.
    """

    group: str = ""
    number: int = 0
    read_ms: int = 0
    met: dict[int, int] = field(default_factory=dict)
    """Offset of the mark, by partition in which it was met."""
    newest: int = 0
    """Number of the newest decision whose mark was met."""
    is_closed: bool = False
    """Nothing more is judged: this worker is about to end."""

    def cut(
        self, decoder: Decodes, admitted: Admitted, decoded: Sequence[Decoded]
    ) -> tuple[Admitted, list[Decoded]]:
        """Return what is to be judged of what was fetched and decoded."""
        if not (self.met or self.is_closed or any(run.marks for run in decoded)):  # as nearly always
            return admitted, list(decoded)
        kept: Admitted = []
        runs: list[Decoded] = []
        for (block, records), run in zip(admitted, decoded, strict=True):
            at = self._mark_in(block, run)
            if at is None:
                kept.append((block, records))
                runs.append(run)
            elif block.first < at and not self.is_closed:
                before = [record for record in records if record.offset < at]
                stretch = Block(
                    block.topic, block.partition, before, block.rewinds, first=block.first, offset=at - 1
                )
                kept.append((stretch, before))
                runs.append(decoder.decode(before))
        return kept, runs

    def _mark_in(self, block: Block, run: Decoded) -> int | None:
        """Return the offset that must not be judged, of a block or before it; None where all of it is to be."""
        if self.is_closed:
            return block.first
        for marked in run.marks:
            mark = marked.mark
            is_newer = mark.group == self.group and mark.number > self.number
            if is_newer and marked.append_ts_ms > self.read_ms - UNKNOWN_MS:
                self.met[block.partition] = marked.offset
                self.newest = max(self.newest, mark.number)
                return marked.offset
        at = self.met.get(block.partition)
        return at if at is not None and at <= block.offset else None

    def has_met(self, partitions: Iterable[int]) -> bool:
        """Tell whether all of these partitions, and at least one, have come to the mark."""
        owned = set(partitions)
        return bool(owned) and owned <= self.met.keys()
