"""A worker that ends slowly: `python -m bench.drills.slow_worker` hands over at its end when told to (SIGUSR1)."""

import asyncio
import signal
import sys
from dataclasses import replace

import faust

from agents.wiring import Flow
from bench.drills.changed_worker import run_changed
from streams.contracts.topics import READINGS


def hand_over_when_told(app: faust.App, flow: Flow) -> None:
    """Have the handover of a worker that ends wait for the signal; those of one that goes on do not."""
    readers, readings = app.transport.readers, flow.monitor.settings.topic(READINGS)
    hand_over = readers[readings].hand_over

    async def when_told() -> None:
        if app.should_stop:
            told = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
            await told.wait()
        await hand_over()

    readers[readings] = replace(readers[readings], hand_over=when_told)


if __name__ == "__main__":
    sys.exit(run_changed(hand_over_when_told))
