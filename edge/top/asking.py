"""Asking many processes for their metrics at once: a round lasts as long as the slowest may take, however many hang."""

import threading
import time
from collections.abc import Sequence
from typing import Final

from edge.metrics_scrape import SCRAPE_TIMEOUT_S, Scrape, parse, read

GRACE_S: Final = 0.2
"""On top of a read's own bound, which holds for each wait on the socket: one that drips is left alone after this."""


class Asking:
    """Asks each address in a thread of its own, which nobody waits for at the end.

    Args:
        urls: who is asked.
        timeout_s: for each answer.
    """

    def __init__(self, urls: Sequence[str], timeout_s: float = SCRAPE_TIMEOUT_S) -> None:
        self._urls = tuple(urls)
        self._timeout_s = timeout_s
        self._hanging: dict[str, _Read] = {}
        """Reads of earlier rounds that have not come to an end; nobody is asked twice at once."""

    def round(self) -> dict[str, Scrape | None]:
        """Ask all of them once and return what each says; None = no proper answer in time."""
        asked = {url: _Read(url, self._timeout_s) for url in self._urls if not self._hangs(url)}
        until_s = time.monotonic() + self._timeout_s + GRACE_S
        for one in asked.values():
            one.start()
        for one in asked.values():
            one.join(max(0.0, until_s - time.monotonic()))
        self._hanging.update({url: one for url, one in asked.items() if one.is_alive()})
        texts = {url: one.text for url, one in asked.items() if not one.is_alive()}
        # Read side by side, parsed here: threads that parse wait for each other, and would count as late.
        return {url: None if (text := texts.get(url)) is None else parse(text) for url in self._urls}

    def _hangs(self, url: str) -> bool:
        if url in self._hanging and not self._hanging[url].is_alive():
            del self._hanging[url]  # what it brought at last is of long ago
        return url in self._hanging


class _Read(threading.Thread):
    def __init__(self, url: str, timeout_s: float) -> None:
        super().__init__(name=f"asks {url}", daemon=True)
        self._url, self._timeout_s = url, timeout_s
        self.text: str | None = None

    def run(self) -> None:
        self.text = read(self._url, self._timeout_s)
