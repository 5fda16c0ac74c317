"""A worker with a fault built in from outside: `python -m bench.drills.sabotaged_worker NAME`. Drills must notice it.

Each is what a careless change would do to the worker; a drill that stays green with one proves nothing.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, Final

from agents.monitor import Monitor
from agents.wiring import Flow
from bench.drills.changed_worker import run_changed
from streams.contracts.topics import ALERTS
from streams.lane.block_consumer import BlockConsumer
from tables.changelog.progress import END_KEY

LINGER_S: Final = 12.0
"""How long something unsent stays in this process: longer than a checkpoint interval, so offsets overtake it."""

STATE_LINGER_S: Final = 30.0
"""How long the records of a checkpoint stay: over several checkpoints, so that a crash finds old state at best."""

DROP_ONE_IN: Final = 50
SLOW_ACTOR_S: Final = 0.3


def unawaited_send(flow: Flow) -> None:
    """Alerts are left to a producer that collects them, and nobody waits for their arrival; a crash drops them."""
    publisher: Any = flow.monitor.publisher
    alerts = flow.monitor.settings.topic(ALERTS)
    publish = publisher.publish
    loose: set[asyncio.Future[Any]] = set()

    async def later(*args: Any, **kwargs: Any) -> None:
        await asyncio.sleep(LINGER_S)
        await publish(*args, **kwargs)

    async def wrapped(topic: str, *args: Any, **kwargs: Any) -> Any:
        if topic != alerts:
            return await publish(topic, *args, **kwargs)
        task = asyncio.ensure_future(later(topic, *args, **kwargs))
        loose.add(task)
        task.add_done_callback(loose.discard)
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived

    publisher.publish = wrapped


def ack_before_state(flow: Flow) -> None:
    """A checkpoint says that it is complete, and offsets are committed, while its records are still here.

    Committing early is not enough to lose anything: a worker reads again from where the recovered state ends.
    """
    publisher: Any = flow.monitor.publisher
    publish_batch = publisher.publish_batch
    end = END_KEY.encode()
    loose: set[asyncio.Future[Any]] = set()

    async def later(*args: Any) -> None:
        await asyncio.sleep(STATE_LINGER_S)
        await publish_batch(*args)

    async def wrapped(topic: str, partition: int, records: Any) -> Any:
        if records[0][0] == end:
            return await publish_batch(topic, partition, records)
        task = asyncio.ensure_future(later(topic, partition, records))
        loose.add(task)
        task.add_done_callback(loose.discard)
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(-1)
        return arrived

    publisher.publish_batch = wrapped


def drop_frame(flow: Flow) -> None:
    """One record in `DROP_ONE_IN` is forgotten before it is judged."""
    admit = BlockConsumer.admit
    count = 0

    async def wrapped(self: Any, block: Any) -> list[Any] | None:
        nonlocal count
        kept, admitted = [], await admit(self, block)
        if admitted is None:
            return None
        for record in admitted:
            count += 1
            if count % DROP_ONE_IN:
                kept.append(record)
        return kept

    BlockConsumer.admit = wrapped  # type: ignore[method-assign]


def concurrency(flow: Flow) -> None:
    """Two actors judge the blocks in turns, and the second is slower than the first."""
    take = Monitor._take
    turns = 0
    working: set[asyncio.Future[None]] = set()

    async def slowly(self: Monitor, *args: Any) -> None:
        await asyncio.sleep(SLOW_ACTOR_S)
        await take(self, *args)

    async def wrapped(self: Monitor, admitted: Any) -> None:
        nonlocal turns
        turns += 1
        if turns % 2:
            await take(self, admitted)
            return
        task = asyncio.ensure_future(slowly(self, admitted))
        working.add(task)
        task.add_done_callback(working.discard)

    Monitor._take = wrapped  # type: ignore[method-assign]


SABOTAGES: Final[dict[str, Callable[[Flow], None]]] = {
    "unawaited-send": unawaited_send,
    "ack-before-state": ack_before_state,
    "drop-frame": drop_frame,
    "concurrency": concurrency,
}


def main() -> int:
    """Run the worker with the fault that the argument names."""
    sabotage = SABOTAGES[sys.argv[1]]
    return run_changed(lambda _, flow: sabotage(flow))


if __name__ == "__main__":
    sys.exit(main())
