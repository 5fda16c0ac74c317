"""`vigil board`."""

import asyncio
import gc
import logging
import signal
from typing import Final

import click

from edge.options import brokers_option, need_brokers
from streams.config.settings import Settings, load_settings

GARBAGE_AFTER: Final = (100_000, 50, 100)
"""Objects between two looks for garbage in circles: a look at all viewers takes long."""


@click.command()
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--host", "board_host", help="Where it listens for browsers.")
@click.option("--port", "board_port", type=int, help="Port; 0 = any free one.")
@click.option("--metrics-port", "board_metrics_port", type=int, help="Port of /metrics; 0 = any free one.")
def board(**options: object) -> None:
    """Show the ward in browsers: beds by severity, open alarms, and orders from the page.

    It keeps nothing: run as many side by side as are needed. SIGTERM ends the streams and stops; pages come back to
    whichever board answers.
    """
    settings = need_brokers(load_settings(**options))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # what it says quotes requests
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    from edge.board.process import serve

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)
    await serve(settings, stop)
