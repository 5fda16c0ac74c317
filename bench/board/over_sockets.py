"""Pages converge over sockets: real boards' servers, a proxy that cuts, delays and reroutes, and a page behind it.

A run has the made-up logs and the boards of `convergence`, each board's HTTP server on a port of its own, and all the
time that its dice give. Cuts fall where the proxy's dice and the sockets' pieces meet: a seed gives the same world and
the same dice, not the same bytes.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiohttp import web

from bench.board.convergence import AUDIENCES, BOARDS, Board, Report, differing
from bench.board.pages import NodePages, Page, TwinPage
from bench.board.plain import plain_beds
from bench.board.rerouting import LOOPBACK, Rerouting
from bench.board.worlds import PARTITIONS, World, made
from edge.board.audience import Audience
from edge.board.bed_view import BedView
from edge.board.history import AskedHistory
from edge.board.hub import Hub
from edge.board.metrics import BoardMetrics
from edge.board.ordering import Desk
from edge.board.routes import Routes
from edge.board.server import BoardServer, Handler
from edge.identity.development import development
from edge.identity.doors import PERSON
from streams.config.settings import Settings

TOGETHER: Final = 20
"""Runs at a time."""

STEPS: Final = 200
STEP_S: Final = (0.0, 0.005, 0.01, 0.02)
"""Between two steps, s, all equally likely."""

CONVERGED_S_MAX: Final = 20.0
POLL_S: Final = 0.05
STAYS_S: Final = 0.3
"""For how long on end a page must show what it must: nothing that was on the way undoes it."""

VIEWERS_MAX: Final = 100
Opened = Callable[[str, list[str]], Awaitable[Page]]


class _EverybodyIn:
    """Doors that are open; nobody is asked who they are."""

    def install(self, app: web.Application) -> None:
        person = development("acknowledge", "bench")

        @web.middleware
        async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            request[PERSON] = person
            return await handler(request)

        app.middlewares.append(let_in)

    def audit(self, *_: object) -> None:
        """Keep no audit."""


class _NoWindows:
    """No worker to ask."""

    async def last_minutes(self, partition: int, patient: str) -> None:
        return None


class Served:
    """A board with its server, which reads one record of any log at a time."""

    def __init__(self, world: World, dice: random.Random) -> None:
        settings, metrics, doors = Settings(board_port=0), BoardMetrics(), _EverybodyIn()
        self.board = Board(world, dice)
        self._hub = Hub(self.board.live, metrics)
        self._history = AskedHistory(settings, None)
        view = BedView(self.board.intake, self._history, _NoWindows(), metrics)
        desk = Desk(settings, PARTITIONS)
        routes = Routes(doors, self._hub, self.board.intake, view, desk, metrics, VIEWERS_MAX)
        routes.is_ready = True
        self._metrics = metrics
        self._server = BoardServer([routes], doors, {}, metrics, VIEWERS_MAX)
        self._running: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def joined(self, begin: str) -> int:
        """Return how many streams began so: `snapshot` or `catch-up`."""
        return int(self._metrics.joined.labels(begin)._value.get())

    async def start(self) -> None:
        """Listen and tell."""
        await self._server.start(LOOPBACK, 0)
        self._running = asyncio.create_task(self._hub.run())

    def read_some(self) -> None:
        """Read a little of any log, and tell of it at once, as of alerts."""
        self._hub.note(self.board.read_some())

    async def stop(self) -> None:
        """End every stream and listen no more."""
        self._hub.close()
        await self._server.stop()
        assert self._running is not None
        await self._running
        self._history.close()


async def run(seed: int, opened: Opened) -> Report:
    """Run one seed with a page that `opened` gives for an address and wards."""
    dice, report, world = random.Random(seed), Report(), made(seed)
    wards = dice.choice(AUDIENCES)
    async with contextlib.AsyncExitStack() as stack:
        boards = list[Served]()
        for _ in range(BOARDS):
            boards.append(Served(world, dice))
            await boards[-1].start()
        stack.push_async_callback(_stop, boards, report)
        proxy = Rerouting(random.Random(f"{seed} proxy"), lambda: [board.port for board in boards])
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        page = await opened(f"http://{LOOPBACK}:{proxy.port}", sorted(wards or ()))
        stack.push_async_callback(page.close)
        for _ in range(STEPS):
            await asyncio.sleep(dice.choice(STEP_S))
            if dice.random() < 0.02:
                number = dice.randrange(BOARDS)
                await _stop(boards[number : number + 1], report)
                boards[number] = Served(world, dice)
                await boards[number].start()
                report.restarts += 1
            else:
                dice.choice(boards).read_some()
        for served in boards:
            served.board.read_all()
        proxy.is_calm = True
        audience = Audience(wards)
        expected = {name: bed for name, bed in plain_beds(world).items() if audience.sees(str(bed["ward"]))}
        report.wrong = await _differing(page, expected)
        report.cuts = proxy.cuts
    return report


async def _stop(boards: Sequence[Served], report: Report) -> None:
    for served in boards:
        report.snapshots += served.joined("snapshot")
        report.catch_ups += served.joined("catch-up")
        await served.stop()


async def _differing(page: Page, expected: dict[str, dict[str, Any]]) -> list[str]:
    """Wait until a page shows what it must, for a while on end; return in what it differs if it never does.

    A page that is right may be cut just then and led to a board that has yet to look at what it read: for a moment it
    shows less.
    """
    loop = asyncio.get_running_loop()
    until_s, since_s = loop.time() + CONVERGED_S_MAX, float("inf")
    while True:
        found, now_s = differing(await page.beds(), expected), loop.time()
        since_s = float("inf") if found else min(since_s, now_s)
        if now_s - since_s >= STAYS_S or now_s > until_s:
            return found
        await asyncio.sleep(POLL_S)


async def run_all(seeds: Sequence[int]) -> dict[str, Report]:
    """Run seeds, some at a time, and return what they met by kind of page: Node's and the twin, in turn."""
    reports = {"twin in Python": Report()}
    room = asyncio.Semaphore(TOGETHER)

    async def twin(url: str, wards: list[str]) -> Page:
        return TwinPage(url, wards)

    async def one(seed: int, kind: str, opened: Opened) -> None:
        async with room:
            reports[kind].add(await run(seed, opened), seed)

    async with contextlib.AsyncExitStack() as stack:
        kinds: list[tuple[str, Opened]] = [("twin in Python", twin)]
        if NodePages.are_there():
            pages = await stack.enter_async_context(NodePages())
            kinds.append(("page's own modules in Node", pages.open))
            reports[kinds[-1][0]] = Report()
        async with asyncio.TaskGroup() as group:
            for seed in seeds:
                group.create_task(one(seed, *kinds[seed % len(kinds)]))
    return reports
