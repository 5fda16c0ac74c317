"""The sign-in page in a browser: by keyboard, nothing that axe finds, and led back with the session's cookie."""

import asyncio
import contextlib
import threading

import pytest
from aiohttp import web
from axe_playwright_python.sync_playwright import Axe
from openid_provider import OpenIdProvider
from prometheus_client import CollectorRegistry

from edge.brokers import embedded
from edge.identity.accounts import Account, Accounts, Rights, hashed, save_accounts
from edge.identity.doors import PERSON, Doors, sender_of
from streams.config.settings import Settings

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"
WAIT_S = 20.0


class InThread:
    """A server in a thread of its own, as long as the block lasts; `serving` yields its address."""

    def __init__(self, serving):
        self._serving, self._up = serving, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._up.wait(WAIT_S)
        return self._address

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(WAIT_S)

    async def _run(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self._serving() as self._address:
            self._up.set()
            await self._over.wait()


class Served(InThread):
    """A server behind the doors, with one page."""

    def __init__(self, settings, port=0):
        super().__init__(self._pages)
        self.settings, self.port = settings, port
        self.address = self.__enter__()

    def close(self):
        self.__exit__()

    @contextlib.asynccontextmanager
    async def _pages(self):
        doors = Doors(self.settings, "127.0.0.1", sender_of(self.settings), CollectorRegistry())
        app = web.Application()
        doors.install(app)
        app.router.add_get("/bed/bed-1", self._bed)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port)
        await site.start()
        try:
            yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
        finally:
            await runner.cleanup()

    async def _bed(self, request):
        page = f"<!doctype html><html lang=en><title>bed</title><h1>{request[PERSON].id} is here</h1>"
        return web.Response(text=page, content_type="text/html")


@pytest.fixture
def free_port():
    return embedded.free_port()


@pytest.fixture
def served(tmp_path):
    path = tmp_path / "accounts.toml"
    nurse = Account(role="nurse", wards=("icu",), password=hashed(PASSWORD))
    save_accounts(path, Accounts(accounts={"nurse-1": nurse}))
    found = Served(Settings(brokers="127.0.0.1:1", accounts=path))
    yield found
    found.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_somebody_signs_in_by_keyboard_and_is_led_back(served, chromium, scheme):
    context = chromium.new_context(color_scheme=scheme, viewport={"width": 390, "height": 700})
    page = context.new_page()
    complaints = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{served.address}/bed/bed-1")
    assert page.url.startswith(f"{served.address}/sign-in?next=")
    assert Axe().run(page).violations_count == 0
    page.keyboard.type("nurse-1")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong wrong wrong")
    page.keyboard.press("Enter")
    page.get_by_role("alert").wait_for()
    assert Axe().run(page).violations_count == 0
    page.keyboard.type("nurse-1")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="nurse-1 is here").wait_for()
    assert page.url == f"{served.address}/bed/bed-1"
    (cookie,) = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie") == ""
    assert [said for said in complaints if not said.startswith("Failed to load resource")] == []
    context.close()


def test_who_signs_in_at_a_provider_of_another_site_comes_back_with_the_strict_cookie(
    chromium, tmp_path, free_port
):
    path = tmp_path / "accounts.toml"
    save_accounts(path, Accounts(groups={"icu-nurses": Rights(role="nurse", wards=("icu",))}))
    provider = OpenIdProvider("localhost")
    said = {"oidc_client_id": "vigil", "public_url": f"http://127.0.0.1:{free_port}"}
    with InThread(provider.serving) as issuer:
        settings = Settings(brokers="127.0.0.1:1", accounts=path, oidc_issuer=issuer, **said)
        served = Served(settings, free_port)
        page = chromium.new_page()
        page.goto(f"{served.address}/bed/bed-1")
        page.get_by_role("link", name="hospital's account").click()
        page.get_by_role("heading", name="nurse-9 is here").wait_for()
        assert page.url == f"{served.address}/bed/bed-1"
        page.close()
        served.close()
