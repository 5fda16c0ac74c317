"""Rules on trial, as the board shows them: the comparison of `edge.shadow`, made beside the board, kept for a minute.

A comparison reads a day of alerts; parsing them would hold up the event loop. It is made in a process of its own that
ends with it.
"""

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any, Final

from aiohttp import web

from edge.board.beside import beside
from edge.board.board_access import person_of
from edge.board.responses import found
from edge.options import with_changes
from edge.records import Skipped
from edge.shadow.compare import OUTCOMES
from edge.shadow.compared_topics import chosen, lag_of
from edge.shadow.comparison import as_data, compare
from streams.config.settings import Settings
from streams.contracts.people import Person
from streams.contracts.topics import DAY_MS
from streams.errors import Busy, VigilError
from streams.kafka.rules_log import read_rules, trials
from streams.kafka.security import seals_of

BACK_MS: Final = DAY_MS
"""How far back the board compares; a report of `vigil shadow` goes as far as somebody asks."""

FRESH_S: Final = 60.0
"""A comparison that is younger is shown again; an older one is made anew when somebody asks [M]."""

WAIT_S: Final = 25.0
"""How long a page waits for a comparison that is being made; it goes on, and the next question finds it."""

MADE_S_MAX: Final = 300.0
"""After so long a comparison is given up [M]."""

SHOWN_MAX: Final = 200
"""Differences that a page lists, what matters most first; all are counted."""

SHOWN: Final = ("patient", "ward", "rule", "outcome", "shift_s", "start_ts_ms", "instead", "reason")
logger = logging.getLogger(__name__)

DIFFERENT: Final = tuple(outcome for outcome in OUTCOMES if outcome != "same")


def look(settings: Settings, since_ms: int) -> dict[str, Any] | None:
    """Return the comparison of the rules tried last with those in force, without readings; None where none are tried.

    Raises:
        VigilError: a topic cannot be read, or no broker answers.
    """
    tried = read_rules(settings, settings.group, seals_of(settings))
    if not trials(tried):
        return None
    name = chosen(tried, None).rules.name
    return as_data(compare(settings, name, since_ms, 0, Skipped()), lag_of(settings, name))


def shown_to(person: Person, said: dict[str, Any]) -> dict[str, Any]:
    """Return of a comparison what a person may view: by ward, counted anew. Pure."""
    counts = [line for line in said["counts"] if person.may_by_role("view", line["ward"])]
    listed = [one for one in said["differences"] if person.may_by_role("view", one["ward"])]
    shifts: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for one in listed:
        shifts[one["ward"], one["rule"], one["outcome"]].append(one["shift_s"])
    totals = Counter[str]()
    for line in counts:
        totals.update({outcome: line[outcome] for outcome in OUTCOMES if line[outcome]})
    return {
        **{name: said[name] for name in ("rules", "present", "since_ts_ms", "until_ts_ms")},
        "behind": sum(said["lag"].values()),
        "totals": dict(totals),
        "counts": [line | _shifts(line, shifts) for line in counts],
        "differences_total": sum(totals[outcome] for outcome in DIFFERENT),
        "differences": [{name: one[name] for name in SHOWN} | _priorities(one) for one in listed[:SHOWN_MAX]],
    }


def _shifts(
    line: dict[str, Any], shifts: Mapping[tuple[str, str, str], list[float]]
) -> dict[str, float | None]:
    """Return how much later and earlier a rule was told in a ward, s, the median of those listed; null without any."""
    found = {f"{way}_s": shifts.get((line["ward"], line["rule"], way)) for way in ("later", "earlier")}
    return {name: median(told) if told else None for name, told in found.items()}


def _priorities(one: dict[str, Any]) -> dict[str, Any]:
    """Return the priority of each side's first episode, null where that side did not tell."""
    return {side: one[side][0]["priority"] if one[side] else None for side in ("present", "new")}


class Trial:
    """Makes comparisons, one at a time, and keeps the last.

    Args:
        settings: of the workers whose alerts count.
        partitions: of the readings.
        looked: makes one.
        run: calls it within a bound, s, beside the board.
    """

    def __init__(
        self,
        settings: Settings,
        partitions: int,
        looked: Callable[[Settings, int], dict[str, Any] | None] = look,
        run: Callable[..., Awaitable[dict[str, Any] | None]] = beside,
    ) -> None:
        self._settings, self._looked = with_changes(settings, partitions=partitions), looked
        self._run = run
        self._making: asyncio.Task[dict[str, Any] | None] | None = None
        self._made_s = float("-inf")

    def add_to(self, app: web.Application) -> None:
        """Add the path."""
        app.router.add_get("/v1/shadow", self._shown)

    async def _shown(self, request: web.Request) -> web.Response:
        said = await self._newest()
        return found({"rules": None} if said is None else shown_to(person_of(request), said))

    async def _newest(self) -> dict[str, Any] | None:
        if self._making is None or (self._making.done() and time.monotonic() - self._made_s > FRESH_S):
            self._making = asyncio.create_task(self._make())
        making = self._making
        try:
            async with asyncio.timeout(WAIT_S):
                return await asyncio.shield(making)
        except TimeoutError:
            raise Busy("the comparison is still being made", 5.0) from None
        except (VigilError, OSError) as error:
            if self._making is making:
                self._making = None
            logger.warning("the comparison of a trial could not be made: %s", error)
            raise Busy("the comparison could not be made: the board's log says why", 5.0) from None

    async def _make(self) -> dict[str, Any] | None:
        since_ms = int(time.time() * 1000) - BACK_MS
        said = await self._run(MADE_S_MAX, self._looked, self._settings, since_ms)
        self._made_s = time.monotonic()
        return said

    async def close(self) -> None:
        """Wait for no comparison."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)
