"""What the lane keeps of one partition: which record comes next, so that no hole passes, and what is durable.

Pure: the consumer tells where reading begins, which blocks come and when it reads again.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol


class Left(Enum):
    """Why nothing of a block is admitted."""

    OUT = "it came before, or the partition is not ours"
    READ_AGAIN = "records before it are missing: the log must be read again"


def _nobody(first: int, end: int) -> None:
    """Stand in for who is told of holes in the log."""


class Run(Protocol):
    """What admission looks at of a block."""

    value: Sequence[Any]
    first: int
    offset: int
    rewinds: int


class Admission:
    """One partition of a topic, for as long as it is this worker's.

    `on_hole` is told the first offset that the log does not have any more, and the first that it has.
    """

    def __init__(self, on_hole: Callable[[int, int], None] = _nobody) -> None:
        self._on_hole = on_hole
        self.expected: int | None = None
        """The offset that is admitted next; None = nothing is yet."""
        self.rewound: int | None = None
        """While it is being read again: the number of rewinds from which on blocks count."""
        self.durable: int | None = None
        """Everything below this offset needs no replay; None = nothing was declared."""

    def begin(self, offset: int) -> None:
        """Expect the next block to begin at `offset`."""
        self.expected, self.rewound = offset, None

    def declare(self, offset: int) -> None:
        """Note that everything below `offset` needs no replay."""
        self.durable = offset if self.durable is None else max(offset, self.durable)

    def admit(self, block: Run) -> Sequence[Any] | Left:
        """Return the records of a block that come next, which may be none, or why it is left.

        Faust clears the agent's queue when it resumes after a rebalance, and with it blocks that were fetched
        between its seek and the resuming; the next block would then silently follow a hole. If the hole is still
        there when the log has been read again, the log itself has it (retention), and the block is taken.
        """
        expected = self.expected
        if expected is None or block.offset < expected:
            return Left.OUT
        if block.first > expected:
            if self.rewound is None:
                return Left.READ_AGAIN
            if block.rewinds < self.rewound:
                return Left.OUT
            self._on_hole(expected, block.first)
        self.rewound = None
        self.expected = block.offset + 1
        if block.first < expected:
            return [record for record in block.value if record.offset >= expected]
        return block.value
