"""What a gateway knows of who is on which device, as old as it may be: the topic's follower feeds the filing."""

import asyncio
from collections.abc import Sequence
from typing import Final

from edge.gateway.association_view import Following, Known
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.refiler import VIEW_MS_MAX
from streams.config.settings import Settings

READ_S_MAX: Final = 60.0
"""For reading the topic to its end at the start."""


class View:
    """Files frames by what the topic says; start it in the event loop that asks."""

    def __init__(self, settings: Settings) -> None:
        self.filing = Filing(Facts(round(settings.gateway_adt_silence_s * 1000)))
        self._following = Following(settings, self._deliver, self._forget)
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """Return when the topic was read to its end.

        Raises:
            VigilError: it was not in time, or there is no such topic.
        """
        await asyncio.to_thread(self._following.start, READ_S_MAX)
        await asyncio.sleep(0)  # what was delivered is taken in first

    def close(self) -> None:
        """End following; waits for its thread."""
        self._following.close()

    def patient_at(self, device: str, event_ts_ms: int, named: str) -> str:
        """Return the stream that a device's frame of this moment belongs to; `named` is whom the sender names."""
        return self.filing.patient_at(device, event_ts_ms, named)

    def is_current(self) -> bool:
        """Tell whether the view is young enough to file by."""
        return self._following.age_s * 1000 <= VIEW_MS_MAX

    def _deliver(self, known: Sequence[Known]) -> None:
        self._loop.call_soon_threadsafe(self._take, known)

    def _take(self, known: Sequence[Known]) -> None:
        for one in known:
            self.filing.apply(one.key, one.fact, one.append_ms)

    def _forget(self) -> None:
        self._loop.call_soon_threadsafe(self.filing.forget)
