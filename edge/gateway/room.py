"""How much may be on its way to Kafka: of one sender and of all, in readings and in bytes."""

from collections import defaultdict
from typing import Final

from streams.errors import Busy

BYTES_EACH: Final = 200
"""What a record takes in memory besides its value, about."""

RETRY_S: Final = 1.0

Count = list[int]
"""Records and bytes."""


class Room:
    """Counts what is on its way; a sender that has its share there, or a full gateway, gets `Busy`.

    Args:
        records_max: of all senders.
        bytes_max: of all senders; values, and `BYTES_EACH` for every record.
        share: what part of both one sender may fill.
    """

    def __init__(self, records_max: int, bytes_max: int, share: float) -> None:
        self._max = (records_max, bytes_max)
        self._share = (records_max * share, bytes_max * share)
        self._all: Count = [0, 0]
        self._of: defaultdict[str, Count] = defaultdict(lambda: [0, 0])

    @property
    def records(self) -> int:
        """Records on their way."""
        return self._all[0]

    @property
    def bytes(self) -> int:
        """Bytes on their way."""
        return self._all[1]

    def take(self, sender: str, records: int, size_bytes: int) -> int:
        """Note that so many values are on their way and return what they take, to be given back.

        Raises:
            Busy: there is no room for them.
        """
        size_bytes += BYTES_EACH * records
        own, everything = self._of[sender], self._all
        if everything[0] + records > self._max[0] or everything[1] + size_bytes > self._max[1]:
            self._forget(sender)
            raise Busy("the gateway has as much on its way to Kafka as it may", RETRY_S)
        # One call of any size goes through where nothing else of its sender is on the way.
        if own[0] and (own[0] + records > self._share[0] or own[1] + size_bytes > self._share[1]):
            raise Busy("you have as much on its way to Kafka as you may", RETRY_S, kafka=False)
        for count in (own, everything):
            count[0] += records
            count[1] += size_bytes
        return size_bytes

    def give_back(self, sender: str, records: int, size_bytes: int) -> None:
        """Note that they are on their way no more."""
        for count in (self._of[sender], self._all):
            count[0] -= records
            count[1] -= size_bytes
        self._forget(sender)

    def _forget(self, sender: str) -> None:
        if not self._of[sender][0]:
            del self._of[sender]
