"""Pages over sockets: the page's own modules run in Node, or a twin in Python that comes back as a browser does."""

import asyncio
import contextlib
import itertools
import json
import shutil
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import aiohttp

from bench.board.viewer_model import ViewerModel

SCRIPT: Final = Path(__file__).with_name("page.mjs")
REOPEN_S: Final = 0.02
ANSWER_S_MAX: Final = 20.0
LINE_BYTES_MAX: Final = 4_194_304
READ_BYTES: Final = 16_384


class Page(Protocol):
    """What looks at a board."""

    async def beds(self) -> dict[str, dict[str, Any]]:
        """Return what it shows now, by patient."""

    async def close(self) -> None:
        """Look no more."""


class TwinPage:
    """The twin: `Last-Event-ID` as the WHATWG's event source sends it, and the model of `viewer_model`."""

    def __init__(self, url: str, wards: list[str]) -> None:
        self._url = f"{url}/v1/stream?{urlencode([('ward', ward) for ward in wards])}"
        self._model = ViewerModel()
        self._looking = asyncio.create_task(self._look())

    async def beds(self) -> dict[str, dict[str, Any]]:
        """Return what it shows now, by patient."""
        if self._looking.done():
            self._looking.result()
        return self._model.beds

    async def close(self) -> None:
        """Look no more."""
        self._looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._looking

    async def _look(self) -> None:
        limits = aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_S_MAX, sock_read=ANSWER_S_MAX)
        async with aiohttp.ClientSession(timeout=limits) as session:
            while True:
                self._model.begin()
                headers = {"Last-Event-ID": self._model.position} if self._model.position else {}
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with session.get(self._url, headers=headers) as answer:
                        if answer.status == 200:
                            async for data in answer.content.iter_chunked(READ_BYTES):
                                self._model.take(data)
                await asyncio.sleep(REOPEN_S)


class NodePages:
    """Node with any number of pages; `async with` it."""

    def __init__(self) -> None:
        self._node: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._numbers = itertools.count()

    @staticmethod
    def are_there() -> bool:
        """Tell whether there is a Node."""
        return shutil.which("node") is not None

    async def __aenter__(self) -> "NodePages":
        pipe = asyncio.subprocess.PIPE
        self._node = await asyncio.create_subprocess_exec(
            "node", str(SCRIPT), stdin=pipe, stdout=pipe, limit=LINE_BYTES_MAX
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._node is not None
        with contextlib.suppress(ProcessLookupError):
            self._node.kill()
        await self._node.wait()

    async def open(self, url: str, wards: list[str]) -> "NodePage":
        """Open a page of the board at an address, of some wards or (none) of all."""
        number = next(self._numbers)
        await self.order(number, act="open", url=url, wards=wards)
        return NodePage(self, number)

    async def order(self, page: int, **said: Any) -> dict[str, Any]:
        """Say something to a page and return its answer."""
        node = self._node
        assert node is not None
        assert node.stdin is not None
        assert node.stdout is not None
        async with self._turn:
            node.stdin.write(json.dumps({"page": page, **said}).encode() + b"\n")
            line = await asyncio.wait_for(node.stdout.readline(), ANSWER_S_MAX)
        found: dict[str, Any] = json.loads(line)
        return found


class NodePage:
    """One of Node's pages."""

    def __init__(self, pages: NodePages, number: int) -> None:
        self._pages, self._number = pages, number

    async def beds(self) -> dict[str, dict[str, Any]]:
        """Return what it shows now, by patient."""
        found = await self._pages.order(self._number, act="beds")
        return {bed["patient"]: bed for bed in found["beds"]}

    async def close(self) -> None:
        """Look no more."""
        await self._pages.order(self._number, act="close")
