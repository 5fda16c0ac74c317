"""A small board server for the pages' tests: speaks the contract, and can stall, cut, refuse and restart.

Test code calls its methods from its own thread; all state changes under one lock.
"""

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import Any

from aiohttp import web

from edge.board.server import PAGES

ASSETS = Path(__file__).parents[3] / "edge/board/assets"
CSP = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self'"
CLOCK_EVERY_S = 0.5
START_TIMEOUT_S = 10.0
EVENTS_KEPT = 10_000
TURNS_TO_CONNECT = 3
"""Turns of asyncio's loop from an accepted socket to a server that knows of it: task, transport, protocol."""


class FakeBoard:
    """A server on a loopback port of its own."""

    def __init__(self, beds: list[dict[str, Any]], partitions: int = 4) -> None:
        self.beds = {bed["patient"]: bed for bed in beds}
        self.partitions = partitions
        self.names: dict[str, str] = {}
        self.log: list[tuple[str, dict[str, Any]]] = []
        """Every change as an event; a position is the number of those that were seen."""
        self.standing: dict[int, int] = {}
        self.standing_wards: dict[str, int] = {}
        self.refuse_status: int | None = None
        self.person = {"id": "nurse-1", "role": "nurse", "wards": ["*"], "acts": None}
        self.page_of: dict[str, dict[str, Any]] = {}
        self.load: dict[str, Any] = {"beds": [], "shifts": [], "shift_ms": 8 * 3_600_000}
        self.rota: list[dict[str, Any]] = []
        """Wards as `/v1/assignments` shows them."""
        self.trial: dict[str, Any] = {"rules": None}
        self.said: list[dict[str, Any]] = []
        """What was said of who is on; `answer` answers it too."""
        self.glasses: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.answer: Any = lambda body: (200, {"outcome": "accepted", "reason": "done", "alerts": []})
        self.streams = 0
        self.opened = 0
        self.asked_from: list[str | None] = []
        self.port = 0
        self._going = asyncio.Event()
        self._going.set()
        self._cuts = 0
        self._epoch = 0
        self._lock = threading.RLock()
        self._loop = asyncio.new_event_loop()
        self._wakeups: set[asyncio.Event] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._listening = -1
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "FakeBoard":
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.stall(False)
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT_S)
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(self, *beds: dict[str, Any]) -> None:
        """Change beds."""
        with self._lock:
            self.beds.update({bed["patient"]: bed for bed in beds})
            self._append("beds", {"beds": list(beds)})

    def call(self, ward: str, name: str) -> None:
        """Call a ward otherwise."""
        with self._lock:
            self.names[ward] = name
            self._append("wards", {"wards": self._snapshot()[1]["wards"]})

    def remove(self, *patients: str) -> None:
        """Take beds away."""
        with self._lock:
            for patient in patients:
                self.beds.pop(patient, None)
            self._append("gone", {"gone": list(patients)})

    def stand(self, partition: int, is_standing: bool = True) -> None:
        """Let a partition's judged-until stand still, or go on."""
        if is_standing:
            self.standing[partition] = now_ms()
        else:
            self.standing.pop(partition, None)

    def stall(self, is_stalled: bool = True) -> None:
        """Say nothing more, as a stopped process does: connections stay open."""
        self._loop.call_soon_threadsafe(self._going.clear if is_stalled else self._going.set)

    def cut(self) -> None:
        """End every open stream."""
        self._run(self._cut())

    def restart(self, down_s: float = 0.0) -> None:
        """Stop listening, forget all positions, and listen on the same port again."""
        self._run(self._stop())
        time.sleep(down_s)
        with self._lock:
            self.log.clear()
            self._epoch += 1
        self._run(self._start())

    def _append(self, kind: str, data: dict[str, Any]) -> None:
        self.log.append((kind, data))
        assert len(self.log) <= EVENTS_KEPT
        self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for event in self._wakeups:
            event.set()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(START_TIMEOUT_S)

    async def _start(self) -> None:
        app = web.Application(middlewares=[_with_policy])
        for path in PAGES:
            app.router.add_get(path, self._shell)
        app.router.add_static("/assets", ASSETS)
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/v1/me", self._me)
        app.router.add_get("/v1/load", self._load)
        app.router.add_get("/v1/beds/{patient}", self._bed)
        app.router.add_post("/v1/commands", self._command)
        app.router.add_post("/v1/break-glass", self._break_glass)
        app.router.add_get("/v1/assignments", self._assignments)
        app.router.add_post("/v1/assignments", self._assign)
        app.router.add_get("/v1/shadow", self._trial)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        (listening,) = site._server.sockets  # type: ignore[union-attr]
        self.port, self._listening = listening.getsockname()[1], listening.fileno()

    async def _stop(self) -> None:
        await self._cut()
        if self._runner:
            # CPython 3.11 leaves a socket open that it accepts in the turn in which its server is closed (gh-109564).
            self._loop.remove_reader(self._listening)
            for _ in range(TURNS_TO_CONNECT):
                await asyncio.sleep(0)
            await self._runner.cleanup()

    async def _cut(self) -> None:
        self._cuts += 1  # a cancellation may be swallowed by a wait that ends just then
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _shell(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(ASSETS / "index.html")

    async def _me(self, _: web.Request) -> web.Response:
        if self.refuse_status == 401:
            return web.json_response({"reason": "signed out"}, status=401)
        return web.json_response(self.person)

    async def _load(self, request: web.Request) -> web.Response:
        return web.json_response({"now_ts_ms": now_ms(), **self.load, "asked": request.query.get("shift_h")})

    async def _bed(self, request: web.Request) -> web.Response:
        patient = request.match_info["patient"]
        if patient not in self.beds:
            return web.json_response({"reason": "no such bed"}, status=404)
        page = {"limits": None, "commands": [], "trend": {}, "late": [], **self.page_of.get(patient, {})}
        return web.json_response({"bed": self.beds[patient], **page})

    async def _command(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.commands.append(body)
        status, answer = self.answer(body)
        return web.json_response(answer, status=status)

    async def _break_glass(self, request: web.Request) -> web.Response:
        self.glasses.append(await request.json())
        return web.json_response({"until_ts_ms": now_ms() + 900_000, "told": ["charge-nurse"]})

    async def _assignments(self, _: web.Request) -> web.Response:
        return web.json_response({"now_ts_ms": now_ms(), "age_s": 0, "wards": self.rota})

    async def _assign(self, request: web.Request) -> web.Response:
        self.said.append(await request.json())
        status, answer = self.answer(self.said[-1])
        return web.json_response(answer, status=status)

    async def _trial(self, _: web.Request) -> web.Response:
        return web.json_response(self.trial)

    def _snapshot(self) -> tuple[int, dict[str, Any]]:
        with self._lock:
            beds = list(self.beds.values())
            position = len(self.log)
        wards = sorted({bed["ward"] for bed in beds})
        named = [{"ward": ward, "name": self.names.get(ward, ward)} for ward in wards]
        return position, {"wards": named, "beds": beds}

    def _clock(self) -> dict[str, Any]:
        now = now_ms()
        partitions = {str(number): self.standing.get(number, now) for number in range(self.partitions)}
        wards: dict[str, int] = {}
        for bed in list(self.beds.values()):
            judged = partitions[str(bed["partition"])]
            judged = min(judged, self.standing_wards.get(bed["ward"], judged))
            wards[bed["ward"]] = min(wards.get(bed["ward"], judged), judged)
        return {"now_ts_ms": now, "partitions": partitions, "wards": wards}

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.opened += 1
        start = request.query.get("from") or request.headers.get("Last-Event-ID")
        self.asked_from.append(start)
        await self._going.wait()
        if self.refuse_status:
            return web.Response(status=self.refuse_status)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        task = asyncio.ensure_future(self._feed(response, start))
        self._tasks.add(task)
        self.streams += 1
        try:
            await task
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            self.streams -= 1
            self._tasks.discard(task)
        return response

    async def _feed(self, response: web.StreamResponse, start: str | None) -> None:
        woken, cuts = asyncio.Event(), self._cuts
        self._wakeups.add(woken)
        try:
            epoch, _, number = (start or "").partition("-")
            at = int(number) if epoch == str(self._epoch) and number else None
            if at is None:
                at, whole = self._snapshot()
                await self._say(response, "snapshot", at, whole)
            await self._say(response, "clock", at, self._clock())
            said_s = time.monotonic()
            while self._cuts == cuts:
                with self._lock:
                    waiting = self.log[at:]
                for kind, data in waiting:
                    at += 1
                    await self._say(response, kind, at, data)
                if time.monotonic() - said_s >= CLOCK_EVERY_S:
                    await self._say(response, "clock", at, self._clock())
                    said_s = time.monotonic()
                woken.clear()
                try:
                    await asyncio.wait_for(woken.wait(), CLOCK_EVERY_S / 5)
                except TimeoutError:
                    continue
        finally:
            self._wakeups.discard(woken)

    async def _say(self, response: web.StreamResponse, kind: str, at: int, data: dict[str, Any]) -> None:
        await self._going.wait()
        position = f"{self._epoch}-{at}"
        body = json.dumps({"position": position, "now_ts_ms": now_ms(), **data})
        await response.write(f"id: {position}\nevent: {kind}\ndata: {body}\n\n".encode())


@web.middleware
async def _with_policy(request: web.Request, handler: Any) -> web.StreamResponse:
    response = await handler(request)
    if not response.prepared:
        response.headers["Content-Security-Policy"] = CSP
        response.headers["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[no-any-return]


def now_ms() -> int:
    return time.time_ns() // 1_000_000
