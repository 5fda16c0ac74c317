"""`vigil top`: workers, gateway and delivery live in the terminal."""

import sys
import time
from collections.abc import Mapping
from typing import Final

import click

from edge.commands.worker import WORKERS_MAX
from edge.options import json_option
from edge.printing import print_json, say
from edge.top.asking import Asking
from edge.top.places import places_at, places_of
from edge.top.top_view import data, plain, render
from edge.top.watched import Watched
from streams.config.settings import load_settings
from streams.errors import UsageError, VigilError

REFRESH_S: Final = 1.0


@click.command()
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    default=1,
    show_default=True,
    help="Their ports are counted up from the first one's.",
)
@click.option("--metrics-host", help="Where they serve /metrics.")
@click.option("--metrics-port", type=int, help="Port of the first worker's /metrics.")
@click.option("--metrics", "urls", multiple=True, metavar="URL", help="Ask there instead. May be repeated.")
@click.option(
    "--over",
    "over_s",
    type=click.FloatRange(1, 60),
    default=10.0,
    show_default=True,
    help="Seconds that rates and latencies are over.",
)
@click.option("--once", is_flag=True, help="Look for that long, print a table, and end.")
@json_option
def top(
    workers: int, urls: tuple[str, ...], over_s: float, once: bool, as_json: bool, **options: object
) -> None:
    """Show workers, gateway, delivery and sender live, as their /metrics say.

    Without --metrics those of this machine: workers from VIGIL_METRICS_PORT on, gateway, delivery and sender at their
    own ports. Latencies (p50, p99) are of what was told in the last --over seconds: a worker's from the deciding record
    on the broker to the alert on the broker, a gateway's to its acknowledgement, delivery's and a sender's from queued
    to taken. "saved" is the age of the oldest partition's checkpoint, "dead" counts dead letters, "nobody" open alarms
    of which nobody was reached. --json prints one line for each process, and ends like --once.

    Exit code 1 if, at the end of --once, something does not answer that has to.
    """
    settings = load_settings(**options)
    places = places_at(urls) if urls else places_of(settings, workers)
    began_s = time.monotonic()
    processes = {place.url: Watched(place, over_s, began_s) for place in places}
    asking = Asking(list(processes))
    if once or as_json:
        _look_once(asking, processes, over_s, as_json)
    elif sys.stdout.isatty():
        _look_on(asking, processes)
    else:
        raise UsageError("the output is no terminal: use --once or --json")


def _ask(asking: Asking, processes: Mapping[str, Watched]) -> None:
    for url, answer in asking.round().items():
        processes[url].observe(answer, time.monotonic())


def _look_once(asking: Asking, processes: Mapping[str, Watched], over_s: float, as_json: bool) -> None:
    """Ask at the begin and at the end, so that what is counted has grown over that time, and say what was found."""
    _ask(asking, processes)
    time.sleep(over_s)
    _ask(asking, processes)
    shown, now_s = [process for process in processes.values() if not process.is_missing], time.monotonic()
    if as_json:
        for process in shown:
            print_json(data(process, now_s))
    else:
        for line in plain(shown, now_s, time.time()):
            say(line)
    if silent := sum(process.silent_since_s is not None for process in shown):
        raise VigilError(f"{silent} of {len(shown)} processes do not answer")


def _look_on(asking: Asking, processes: Mapping[str, Watched]) -> None:
    """Draw the screen again and again, until somebody ends it."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            begun_s = time.monotonic()
            _ask(asking, processes)
            width, height = console.size
            screen = render(list(processes.values()), time.monotonic(), time.time(), width, height)
            live.update(screen, refresh=True)
            time.sleep(max(0.0, begun_s + REFRESH_S - time.monotonic()))
