"""A worker that ends slowly: `python -m bench.drills.slow_worker` hands over at its end when told to (SIGUSR1)."""

import asyncio
import signal
import sys

from agents.wiring import Flow
from bench.drills.changed_worker import run_changed


def hand_over_when_told(flow: Flow) -> None:
    """Have the handover of a worker that ends wait for the signal; those of one that goes on do not."""
    lane = flow.app.lane
    hand_over = lane.handover

    async def when_told() -> None:
        if flow.app.should_stop:
            told = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
            await told.wait()
        await hand_over()

    lane.handover = when_told


if __name__ == "__main__":
    sys.exit(run_changed(hand_over_when_told))
