"""Which records of a block come next in their partition: no hole in the log passes, and no record twice.

Pure: the consumer tells where reading begins, which blocks come and when it reads again.
"""

import logging
from collections.abc import Hashable
from typing import Any, Final, Protocol

logger = logging.getLogger(__name__)

READ_AGAIN: Final = None
"""What `Admission.admit` returns when records before the block are missing: the log must be read again."""


class Run(Protocol):
    """What admission looks at of a block."""

    value: list[Any]
    first: int
    offset: int
    rewinds: int


class Admission:
    """Keeps, by partition, which offset comes next."""

    def __init__(self) -> None:
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

    def admit(self, partition: Hashable, block: Run) -> list[Any] | None:
        """Return the records of a block that come next, `READ_AGAIN` when others before them are missing.

        Faust clears the agent's queue when it resumes after a rebalance, and with it blocks that were fetched
        between its seek and the resuming; the next block would then silently follow a hole. If the hole is still
        there when the log has been read again, the log itself has it (retention), and the block is taken.
        """
        expected = self.expected.get(partition)
        if expected is None or block.offset < expected:
            return []
        if block.first > expected:
            if partition not in self.rewound:
                return READ_AGAIN
            if block.rewinds < self.rewound[partition]:
                return []
            logger.error("%s: the log has no records from %s to %s", partition, expected, block.first - 1)
        self.rewound.pop(partition, None)
        self.expected[partition] = block.offset + 1
        if block.first < expected:
            return [record for record in block.value if record.offset >= expected]
        return block.value
