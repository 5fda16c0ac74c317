"""Admissions as `vitals.commands` tells of them: the order, then its answer in the same partition. Pure.

What was not done with yet says how far the topic may count as read: after a restart it comes again.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from streams.contracts.command import Admit, Answer, Commanded, said_in

ORDERS_MAX: Final = 10_000
"""Admissions of one partition that wait for their answer; older ones are let go."""

WAIT_MS: Final = 60_000
"""An admission without an answer for so long is let go: no worker judges its partition."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An admission that was accepted; times in ms."""

    order: Admit
    partition: int
    offset: int
    accepted_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """An order of ours that the judge did not take."""

    reason: str


class Admissions:
    """One partition of the topic. `pending` are admissions that were accepted and not done with."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self._orders: OrderedDict[str, tuple[int, int, Admit]] = OrderedDict()
        self._next = 0
        self.pending: deque[Admitted] = deque()

    def take(self, offset: int, value: bytes | None, append_ms: int, ours: str) -> Refused | None:
        """Take a record; return the answer if it refuses an order whose id begins as `ours`."""
        self._next = offset + 1
        found = said_in(value)
        if isinstance(found, Commanded) and isinstance(order := found.order.root, Admit):
            self._orders[order.id] = offset, append_ms, order
            while self._orders and (
                len(self._orders) > ORDERS_MAX or append_ms - next(iter(self._orders.values()))[1] > WAIT_MS
            ):
                self._orders.popitem(last=False)
        elif isinstance(found, Answer):
            if found.outcome == "refused" and found.id.startswith(ours):
                return Refused(found.reason)
            if found.outcome == "accepted" and found.id in self._orders:
                at, _, order = self._orders.pop(found.id)
                self.pending.append(Admitted(order, self._partition, at, found.append_ts_ms))
        return None

    @property
    def done(self) -> int:
        """The offset up to which nothing has to be read again."""
        waiting = [at for at, _, _ in self._orders.values()] + [one.offset for one in self.pending]
        return min([self._next, *waiting])
