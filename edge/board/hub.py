"""Hands what changes to every viewer: encoded once an audience, alarms at once, values twice a second."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from edge.board.audience import Audience
from edge.board.events import PADDING, chunk
from edge.board.live import Live
from edge.board.metrics import BoardMetrics
from edge.board.viewer import Viewer

VALUES_S: Final = 0.5
"""Between two looks at what is no alarm."""

GATHER_S: Final = 0.01
"""Before alarms are told, for others of the same moment: one look at many viewers takes longer."""

PAUSE_S: Final = 0.02
"""After a look, for what else comes at the same time; or a quarter of what the look took, where that is more."""

CLOCK_S: Final = 1.0
CLOCK_TURNS: Final = 8
"""The clock is told to an eighth of the viewers at a time: alarms do not wait behind all of them."""

BETWEEN_YIELDS: Final = 250
"""Viewers who are written to before others get a turn: some 3 ms."""

BACKLOGS_BYTES_MAX: Final = 134_217_728
"""Of all viewers together; beyond it those with the largest backlog are cut."""


class Hub:
    """All viewers of this process.

    Args:
        live: what is shown.
        metrics: of the board.
        wall_s: the time of day, s.
    """

    def __init__(self, live: Live, metrics: BoardMetrics, wall_s: Callable[[], float] = time.time) -> None:
        self.live = live
        self._metrics = metrics
        self._wall_s = wall_s
        self._turns: list[dict[Audience, dict[Viewer, None]]] = [{} for _ in range(CLOCK_TURNS)]
        self._joined = 0
        self._urgent = asyncio.Event()
        self._appended_ms: list[int] = []
        self._is_closed = False
        self.count = 0

    def note(self, appended_ms: Iterable[int]) -> None:
        """Note when the broker took alerts that came just now, ms: they are shown at once."""
        self._appended_ms += appended_ms
        self._urgent.set()

    def join(self, viewer: Viewer, position: str) -> None:
        """Send a viewer what there is, or what has changed since a position, and from now on what comes."""
        now_ms, live, audience = self._now_ms(), self.live, viewer.audience
        caught_up = live.catch_up(audience, position, now_ms) if position else None
        said = caught_up if caught_up is not None else live.snapshot(audience, now_ms)
        self._metrics.joined.labels("snapshot" if caught_up is None else "catch-up").inc()
        viewer.begin(chunk(PADDING + said + live.clock(audience, now_ms)))
        self._turns[self._joined % CLOCK_TURNS].setdefault(audience, {})[viewer] = None
        self._joined += 1
        self.count += 1

    def leave(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        for turn in self._turns:
            if viewer in (same := turn.get(viewer.audience, {})):
                del same[viewer]
                if not same:
                    del turn[viewer.audience]
                self.count -= 1
                return

    def is_seen(self, ward: str) -> bool:
        """Tell whether a viewer who sees a ward has taken all that was sent."""
        return any(
            viewer.backlog == 0
            for turn in self._turns
            for audience, viewers in turn.items()
            if audience.sees(ward)
            for viewer in viewers
        )

    def close(self) -> None:
        """End every stream; pages come back, perhaps to another board."""
        self._is_closed = True
        self._urgent.set()
        for viewer in [viewer for turn in self._turns for each in turn.values() for viewer in each]:
            viewer.finish()

    async def run(self) -> None:
        """Look and tell until closed."""
        loop = asyncio.get_running_loop()
        values_s = clock_s = loop.time()
        turn = 0
        while not self._is_closed:
            wait_s = max(0.0, min(values_s, clock_s) - loop.time())
            if not self._urgent.is_set():
                try:
                    async with asyncio.timeout(wait_s):
                        await self._urgent.wait()
                except TimeoutError:
                    pass
            if self._urgent.is_set():
                await asyncio.sleep(GATHER_S)
            begun_s = loop.time()
            if self._urgent.is_set() or begun_s >= values_s:
                self._urgent.clear()
                await self._tell()
                spent_s = loop.time() - begun_s
                values_s = max(begun_s + VALUES_S, loop.time() + spent_s)
                await asyncio.sleep(max(PAUSE_S, spent_s / 4))
            if loop.time() >= clock_s:
                await self._tell_time(turn)
                turn = (turn + 1) % CLOCK_TURNS
                clock_s = max(clock_s + CLOCK_S / CLOCK_TURNS, loop.time() - CLOCK_S)

    async def _tell(self) -> None:
        """Tell what has changed to those who see it; values that are being told make room for an alarm."""
        appended_ms, writes = self._looked()
        told = await self._write(writes, until_urgent=not appended_ms)
        if told < len(writes):
            # An alarm has come meanwhile: who was not told of the values yet is told both at once.
            self._urgent.clear()
            untold = dict(writes[told:])
            appended_ms, writes = self._looked()
            both = [(viewer, untold.pop(viewer, b"") + said) for viewer, said in writes]
            await self._write([*both, *untold.items()])
        now_ms = self._now_ms()
        for each in appended_ms:
            self._metrics.delivery_s.observe(max(0, now_ms - each) / 1000)

    def _looked(self) -> tuple[list[int], list[tuple[Viewer, bytes]]]:
        """Return when the broker took the alerts that are new, ms, and what is written to whom."""
        live = self.live
        if not live.has_changed:
            return [], []
        appended_ms, self._appended_ms = self._appended_ms, []
        begun_s = time.perf_counter()
        change, now_ms = live.look(), self._now_ms()
        told = dict[Audience, bytes]()
        for audience in {audience for turn in self._turns for audience in turn}:
            if said := live.told(audience, change, now_ms):
                told[audience] = chunk(said)
        self._metrics.encode_s.observe(time.perf_counter() - begun_s)
        return appended_ms, [
            (viewer, told[audience])
            for turn in self._turns
            for audience, viewers in turn.items()
            if audience in told
            for viewer in viewers
        ]

    async def _tell_time(self, turn: int) -> None:
        if turn == 0:
            self.live.end_second()
            self._cut_largest()
        now_ms = self._now_ms()
        writes = list[tuple[Viewer, bytes]]()
        for audience, viewers in self._turns[turn].items():
            said = chunk(self.live.clock(audience, now_ms))
            writes += [(viewer, said) for viewer in viewers]
        await self._write(writes)

    async def _write(self, writes: list[tuple[Viewer, bytes]], until_urgent: bool = False) -> int:
        """Write in turns with others; return how many were written to, fewer than all where an alarm has come."""
        for number, (viewer, said) in enumerate(writes, 1):
            viewer.write(said)
            if number % BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
                if until_urgent and self._urgent.is_set():
                    return number
        return len(writes)

    def _cut_largest(self) -> None:
        """Cut those who are furthest behind until what all have not taken is within its bound."""
        behind = [
            (viewer.backlog, viewer)
            for turn in self._turns
            for each in turn.values()
            for viewer in each
            if viewer.backlog
        ]
        total = sum(backlog for backlog, _ in behind)
        for backlog, viewer in sorted(behind, key=lambda one: -one[0]):
            if total <= BACKLOGS_BYTES_MAX:
                return
            viewer.cut()
            total -= backlog

    def _now_ms(self) -> int:
        return int(self._wall_s() * 1000)
