"""A sender that dies at a named point: `python -m bench.drills.delivery.crashing_sender POINT N`, the N-th time.

The process is the sender's own; the crash is put around methods from outside.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from bench.drills.worker_faults import CRASH_CODE
from edge.channels import __main__ as sender
from edge.channels.line import Line
from edge.channels.outbox import Outbox
from edge.channels.pool import Pool
from edge.channels.webhook import Webhook

ON_THE_WIRE_S: Final = 0.003
"""Time for a request to leave the process, too short for its answer to be dealt with."""


class Fuse:
    """Counts the times that a point is passed and ends the process at the chosen one."""

    def __init__(self, times: int) -> None:
        self._left = times

    @property
    def burns_next(self) -> bool:
        """Whether the next pass is the last."""
        return self._left <= 1

    def burn(self) -> None:
        """Pass the point once."""
        self._left -= 1
        if self._left <= 0:
            os._exit(CRASH_CODE)


def before_try(fuse: Fuse) -> None:
    """Die with a message taken up and not sent."""
    send = Webhook.send

    async def wrapped(self: Webhook, *args: Any) -> Any:
        fuse.burn()
        return await send(self, *args)

    Webhook.send = wrapped  # type: ignore[method-assign, assignment]


def in_flight(fuse: Fuse) -> None:
    """Die with a request on the wire and no answer."""
    send = Webhook.send

    async def wrapped(self: Webhook, *args: Any) -> Any:
        if not fuse.burns_next:
            fuse.burn()
            return await send(self, *args)
        task = asyncio.ensure_future(send(self, *args))
        await asyncio.sleep(ON_THE_WIRE_S)
        fuse.burn()
        return await task

    Webhook.send = wrapped  # type: ignore[method-assign, assignment]


def answered(fuse: Fuse) -> None:
    """Die when a provider has taken a message, before the log knows."""
    take = Line._take

    def wrapped(self: Line, job: Any, outcome: Any, now_s: float) -> None:
        if type(outcome).__name__ == "Sent":
            fuse.burn()
        take(self, job, outcome, now_s)

    Line._take = wrapped  # type: ignore[method-assign]


def written(fuse: Fuse) -> None:
    """Die when the log knows, before the group's place in it does."""
    write = Outbox._write

    async def wrapped(self: Outbox, batch: Any) -> Any:
        left = await write(self, batch)
        if any(b'"milestone":"taken"' in one.value for one in batch):
            fuse.burn()
        return left

    Outbox._write = wrapped  # type: ignore[method-assign]


def restoring(fuse: Fuse) -> None:
    """Die when the log was read to its end, before anything is sent."""
    caught_up = Pool.caught_up

    def wrapped(self: Pool, partition: int) -> None:
        fuse.burn()
        caught_up(self, partition)

    Pool.caught_up = wrapped  # type: ignore[method-assign]


POINTS: Final[dict[str, Callable[[Fuse], None]]] = {
    "before-try": before_try,
    "in-flight": in_flight,
    "answered": answered,
    "written": written,
    "restoring": restoring,
}

if __name__ == "__main__":
    POINTS[sys.argv[1]](Fuse(int(sys.argv[2])))
    sys.exit(sender.main())
