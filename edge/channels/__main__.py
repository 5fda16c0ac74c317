"""Entry of the sender's process: `python -m edge.channels`. Settings come from the environment (`VIGIL_...`)."""

import asyncio
import logging
import signal
import sys

from edge.channels.process import serve
from edge.printing import say
from streams.config.settings import Settings, load_settings
from streams.errors import UsageError, VigilError


def main() -> int:
    """Send until told to stop; return the exit code."""
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form)
    for name in ("kafka", "aiohttp", "urllib3", "asyncio"):  # what they say quotes addresses and messages
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        settings = load_settings()
        if not settings.bootstrap:
            raise UsageError("brokers: a sender needs VIGIL_BROKERS=host:port")
        asyncio.run(_run(settings))
    except VigilError as error:
        say(f"vigil: {error}", err=True)
        return error.exit_code
    return 0


async def _run(settings: Settings) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop)


if __name__ == "__main__":
    sys.exit(main())
