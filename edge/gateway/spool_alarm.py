"""The alarm that a spool has given up readings: full, or its disk takes nothing; and its end, when it has caught up.

It is told as soon as Kafka takes it, which may be long after it began: a spool is full where Kafka is away. That it
stands is kept beside the spool, so that a process that follows ends what another one has begun, under the same id, also
on a machine of another name (a container that was made anew).
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from streams.contracts.alert import Alert, system_alert
from streams.errors import Busy, NotStored

SPOOL_FULL_RULE: Final = "spool-full"
"""Rule of the alert."""

SPOOL: Final = "~spool/"
"""Begins the `patient` of the alert, with the machine and the protocol; no patient may be called so."""

LOOK_S: Final = 1.0
"""Between two looks at whether it is over, and between two tries to tell it."""

QUIET_S: Final = 60.0
"""It is over when nothing was given up for so long and the spool has caught up: else it would begin again and again."""

logger = logging.getLogger(__name__)

Tell = Callable[[Alert], Awaitable[None]]


class SpoolAlarm:
    """Of one spool.

    Args:
        mark: a file that is there while the alarm stands; holds its onset, ms, and what it is about.
        stream: what the alert is about, behind `SPOOL`.
        tell: has Kafka store an alert; raises `Busy` and `NotStored` as the door does.
        now_ms: the time, ms since the epoch.
    """

    def __init__(self, mark: Path, stream: str, tell: Tell, now_ms: Callable[[], int]) -> None:
        self._mark, self._own, self._tell, self._now_ms = mark, stream, tell, now_ms
        self._onset_ms, self._about = self._marked()
        self._last_ms = self._onset_ms or 0
        self._begun = asyncio.Event()
        if self._onset_ms is not None:
            self._begun.set()

    def given_up(self) -> None:
        """Note that readings are lost now."""
        self._last_ms = self._now_ms()
        if self._onset_ms is None:
            self._begin()

    def _begin(self) -> None:
        self._onset_ms, self._about = self._last_ms, self._own
        with contextlib.suppress(OSError):  # a disk that takes nothing: who follows begins anew
            self._mark.write_text(f"{self._onset_ms} {self._about}", encoding="ascii")
        self._begun.set()

    async def run(self, caught_up: Callable[[], bool]) -> None:
        """Tell beginnings and ends, until cancelled; `caught_up` says whether Kafka has all but the newest records."""
        while True:
            await self._begun.wait()
            await self._told(is_over=False)
            while not caught_up() or self._now_ms() - self._last_ms < QUIET_S * 1000:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_S)
            last_ms = self._last_ms
            await self._told(is_over=True)
            self._onset_ms = None
            self._begun.clear()
            with contextlib.suppress(OSError):
                self._mark.unlink(missing_ok=True)
            if self._last_ms != last_ms:  # lost while Kafka took no end: that is another beginning
                self._begin()

    async def _told(self, is_over: bool) -> None:
        """Tell it, again and again until Kafka has it: there is nothing newer that it could hold up."""
        onset_ms = self._onset_ms
        assert onset_ms is not None
        now_ms = self._now_ms() if is_over else onset_ms
        alert = system_alert(
            SPOOL + self._about,
            SPOOL_FULL_RULE,
            source="gateway",
            priority="medium",
            onset_ms=onset_ms,
            now_ms=now_ms,
            append_ms=now_ms,
            is_over=is_over,
            reason="Kafka has what waits on the gateway's disk again"
            if is_over
            else "a gateway's disk could not keep all that waits for Kafka: its oldest readings are lost",
        )
        while True:
            try:
                await self._tell(alert)
                return
            except (Busy, NotStored):
                await asyncio.sleep(LOOK_S)
            except Exception as error:  # a fault of ours must not silence it
                logger.error("%s could not be told: %s", SPOOL_FULL_RULE, type(error).__name__)
                await asyncio.sleep(LOOK_S)

    def _marked(self) -> tuple[int | None, str]:
        """Return since when the alarm stands, None if it does not, and what it is about."""
        try:
            onset, _, about = self._mark.read_text(encoding="ascii").strip().partition(" ")
            return int(onset), about or self._own
        except (OSError, ValueError):
            return None, self._own
