"""Asks the worker that judges a patient for the last minutes, which it keeps in memory: its heartbeat says where."""

import time
from typing import Final

import aiohttp

from edge.board.live import Live
from streams.config.settings import Settings
from streams.contracts.partitions import partition_of
from streams.contracts.window_query import ANSWER_BYTES_MAX, WINDOWS_PATH, WindowsAnswer, question
from streams.kafka.security import seals_of

ASK_S_MAX: Final = 2.0
"""For the connection to end; the page has given up before."""

CONNECTIONS_MAX: Final = 16


class WorkerWindows:
    """Asks workers.

    Args:
        settings: hold the key that proves who asks.
        live: knows where each partition's worker is.
    """

    def __init__(self, settings: Settings, live: Live) -> None:
        self._seals = seals_of(settings)
        self._live = live
        self._session: aiohttp.ClientSession | None = None

    async def last_minutes(self, partition: int, patient: str) -> WindowsAnswer | None:
        """Return what the worker knows of the last minutes, None where none says where to ask or it knows nobody so.

        Raises:
            aiohttp.ClientError, ValueError: it does not answer, or nothing that is an answer.
        """
        state = self._live.state
        if (
            0 < self._live.partitions < state.readings
        ):  # the bed's place is that of several partitions of the readings
            partition = partition_of(patient, state.readings)
        address = state.windows.get(partition)
        if address is None:
            return None
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ASK_S_MAX),
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                trust_env=False,
            )
        asked = question(self._seals, patient, partition, int(time.time() * 1000))
        async with self._session.post(
            f"http://{address}{WINDOWS_PATH}", data=asked, allow_redirects=False
        ) as answer:
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise ValueError(f"the worker answers {answer.status}")
            body = await answer.content.read(ANSWER_BYTES_MAX)
        return WindowsAnswer.model_validate_json(body)

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
