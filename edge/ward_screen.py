"""Where the ward's view goes: a live screen on a terminal, plain lines or JSON lines elsewhere."""

import time
from types import TracebackType
from typing import Final, Protocol

from rich.console import Console
from rich.live import Live

from edge import printing
from edge.metrics_scrape import Load
from edge.ward_state import Ward
from edge.ward_view import plain_line, render, status_data, summary

LINE_EVERY_S: Final = 1.0


class Screen(Protocol):
    """What a run shows itself on, a context manager."""

    def __enter__(self) -> "Screen": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def say(self, what: str) -> None:
        """Tell what is going on before there is anything to show."""

    def show(self, ward: Ward, load: Load, elapsed_s: float) -> None:
        """Show the state."""

    def conclude(self, ward: Ward, load: Load, elapsed_s: float) -> None:
        """Show the summary, after the block."""


class LiveScreen:
    """The whole terminal, given back at the end."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._console = Console()
        self._live: Live | None = None

    def __enter__(self) -> "LiveScreen":
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, what: str) -> None:
        """Print a line above what is shown."""
        self._console.print(printing.cell(what), style="dim", highlight=False)

    def show(self, ward: Ward, load: Load, elapsed_s: float) -> None:
        """Draw the screen again."""
        if self._live is None:
            self._live = Live(console=self._console, screen=True, auto_refresh=False)
            self._live.start()
        width, height = self._console.size
        now_ms = time.time_ns() // 1_000_000
        screen = render(ward, load, elapsed_s, now_ms, width, height, self._title)
        self._live.update(screen, refresh=True)

    def conclude(self, ward: Ward, load: Load, elapsed_s: float) -> None:
        """Print the summary."""
        conclude(ward, load, elapsed_s)


def conclude(ward: Ward, load: Load, elapsed_s: float) -> None:
    """Print the summary for people."""
    for line in summary(ward, load, elapsed_s).splitlines():
        printing.say(line)


class LineScreen:
    """One line a second, for people or as JSON."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._next_s = LINE_EVERY_S

    def __enter__(self) -> "LineScreen":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, what: str) -> None:
        """Print a line, beside the data if that is JSON."""
        printing.say(what, err=self._as_json)

    def show(self, ward: Ward, load: Load, elapsed_s: float) -> None:
        """Print a line if the last one is a second old."""
        if elapsed_s < self._next_s:
            return
        self._next_s = elapsed_s - elapsed_s % LINE_EVERY_S + LINE_EVERY_S
        if self._as_json:
            printing.print_json({"type": "status", **status_data(ward, load, elapsed_s)})
        else:
            printing.say(plain_line(ward, load, elapsed_s))

    def conclude(self, ward: Ward, load: Load, elapsed_s: float) -> None:
        """Print the summary."""
        if self._as_json:
            printing.print_json({"type": "summary", **status_data(ward, load, elapsed_s)})
        else:
            conclude(ward, load, elapsed_s)
