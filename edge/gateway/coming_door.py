"""The door before Kafka is there: for what waits on disk, which comes in while the gateway still looks for a broker."""

import asyncio
from collections.abc import Sequence
from typing import Final

from edge.gateway.accept import Busy, Door, Headers, Reading, Refusal, Sender

RETRY_S: Final = 1.0
NOT_YET: Final = "the gateway is not connected to Kafka yet"


class ComingDoor:
    """A door that says `Busy` until the one to Kafka has come.

    Args:
        door: done as soon as there is one.
    """

    def __init__(self, door: "asyncio.Future[Door]") -> None:
        self._door = door

    async def readings(
        self, sender: Sender, readings: Sequence[Reading], wait_s: float | None = None
    ) -> list[Refusal | None]:
        """Store frames; as `Door` says."""
        return await self._there().readings(sender, readings, wait_s)

    async def store(self, topic: str, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Store one record; as `Door` says."""
        await self._there().store(topic, key, value, headers)

    def _there(self) -> Door:
        if not self._door.done():
            raise Busy(NOT_YET, RETRY_S)
        return self._door.result()
