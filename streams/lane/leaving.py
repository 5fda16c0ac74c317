"""A worker that ends hands over, leaves its group at once, and joins it no more.

When another worker comes or goes while this one ends, the group asks it to join again. faust-streaming 0.15.3 then
closes the Kafka client, in the middle of the handover: the commit is tried for ever and never made, and because
the worker has not left, the others wait a session timeout for it. Here the handover goes on, and who waits is told.

What this relies on in Faust and in aiokafka 0.14.0 is held by tests/streams/test_leaving.py.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

LEAVE_S_MAX: Final = 20.0
"""How long a worker that ends is waited for, before what the group wants of it goes on."""


class Leaving:
    """How far a worker is with its end: `is_ending` tells whether it has begun."""

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        self.is_ending = is_ending
        self._handed_over = asyncio.Event()

    @property
    def has_handed_over(self) -> bool:
        """Whether the worker is done with its last handover: what was its own is others' from now on."""
        return self._handed_over.is_set()

    def note_handover(self) -> None:
        """Note that all is durable, and committed unless the group refused; it is the last time if the worker ends."""
        if self.is_ending():
            self._handed_over.set()

    async def handed_over(self) -> None:
        """Wait until a worker that ends has handed over, or for as long as that may take."""
        with suppress(TimeoutError):  # the watchdog says what it waits for, and ends it
            await asyncio.wait_for(self._handed_over.wait(), LEAVE_S_MAX)

    def keep_out(self, coordinator: Any) -> None:
        """Have an aiokafka coordinator leave its group, once all is handed over, where it would join it again."""
        join = coordinator._do_rejoin_group

        async def join_unless_ending(subscription: Any) -> bool:
            if not self.is_ending():
                return bool(await join(subscription))
            await self.handed_over()
            await coordinator._maybe_leave_group()
            await asyncio.wait([coordinator._closing], timeout=LEAVE_S_MAX)  # asked again it would ask again
            return False

        coordinator._do_rejoin_group = join_unless_ending
