"""Which records of a block come next in their partition: no hole in the log passes, and no record twice.

Pure: the consumer tells where reading begins, which blocks come and when it reads again.
"""

from collections.abc import Callable, Hashable, Sequence
from enum import Enum
from typing import Any, Protocol


class Left(Enum):
    """Why nothing of a block is admitted."""

    OUT = "it came before, or the partition is not ours"
    READ_AGAIN = "records before it are missing: the log must be read again"


def _nobody(partition: Any, first: int, end: int) -> None:
    """Stand in for who is told of holes in the log."""


class Run(Protocol):
    """What admission looks at of a block."""

    value: Sequence[Any]
    first: int
    offset: int
    rewinds: int


class Admission:
    """Keeps, by partition, which offset comes next.

    `on_hole` is told the partition, the first offset that the log does not have any more, and the first that it has.
    """

    def __init__(self, on_hole: Callable[[Any, int, int], None] = _nobody) -> None:
        self._on_hole = on_hole
        self.expected: dict[Any, int] = {}
        self.rewound: dict[Any, int] = {}
        """Partitions that are being read again, with the number of rewinds from which on blocks count."""

    def begin(self, partition: Hashable, offset: int) -> None:
        """Expect the next block of the partition to begin at `offset`."""
        self.expected[partition] = offset
        self.rewound.pop(partition, None)

    def forget(self, partition: Hashable) -> None:
        """Admit nothing of the partition any more."""
        self.expected.pop(partition, None)
        self.rewound.pop(partition, None)

    def admit(self, partition: Hashable, block: Run) -> Sequence[Any] | Left:
        """Return the records of a block that come next, which may be none, or why it is left.

        Faust clears the agent's queue when it resumes after a rebalance, and with it blocks that were fetched
        between its seek and the resuming; the next block would then silently follow a hole. If the hole is still
        there when the log has been read again, the log itself has it (retention), and the block is taken.
        """
        expected = self.expected.get(partition)
        if expected is None or block.offset < expected:
            return Left.OUT
        if block.first > expected:
            if partition not in self.rewound:
                return Left.READ_AGAIN
            if block.rewinds < self.rewound[partition]:
                return Left.OUT
            self._on_hole(partition, expected, block.first)
        self.rewound.pop(partition, None)
        self.expected[partition] = block.offset + 1
        if block.first < expected:
            return [record for record in block.value if record.offset >= expected]
        return block.value
