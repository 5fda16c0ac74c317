"""Opening the board's pages in tests: a context of its own each, what the page complains of, and waiting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fake_board import FakeBoard
from waiting import wait_until

LIVE = "#live[data-live]"
TIMEOUT_MS = 15_000
NOT_OURS = ("AudioContext was not allowed to start", "net::ERR", "Failed to load resource")


@contextmanager
def open_page(
    chromium: Any,
    board: FakeBoard,
    path: str = "/",
    *,
    scheme: str = "dark",
    size: tuple[int, int] = (1280, 800),
    reduced_motion: str = "no-preference",
    before: str | None = None,
    ready: str = LIVE,
) -> Iterator[Any]:
    """Yield a page that is live (or shows `ready`); at its end nothing may have gone wrong in it."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion=reduced_motion
    )
    context.set_default_timeout(TIMEOUT_MS)
    if before:
        context.add_init_script(before)
    page = context.new_page()
    errors: list[str] = []
    page.said_of_policy = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def hear(message: Any) -> None:
        if "Content Security Policy" in message.text:
            page.said_of_policy.append(message.text)

    page.on("console", hear)
    try:
        page.goto(board.url + path)
        page.wait_for_selector(ready)
        yield page
        assert errors == []
    finally:
        context.close()


def until(condition: Callable[[], Any], what: str, deadline_s: float = 10.0) -> Any:
    """Wait for a condition outside the page."""
    return wait_until(condition, what, deadline_s)
