"""A gateway with a fault built in from outside: `python -m bench.drills.sabotaged_gateway NAME`. Drills must notice it.

Each is what a careless change would do to the gateway; a drill that stays green with one proves nothing.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any, Final

from bench.drills.gateways import SABOTAGES
from edge.cli import main as edge_main
from edge.gateway import items, numbering
from edge.gateway.door import KafkaDoor
from edge.gateway.hl7 import observations

LINGER_S: Final = 1.0
"""How long something unsent stays in this process."""


def early_ack() -> None:
    """Readings are acknowledged as soon as they have been taken in, and stored a little later."""
    readings = KafkaDoor.readings
    loose: set[asyncio.Future[Any]] = set()

    async def later(*args: Any) -> None:
        await asyncio.sleep(LINGER_S)
        await readings(*args)

    async def wrapped(*args: Any) -> list[Any]:
        task = asyncio.ensure_future(later(*args))
        loose.add(task)
        task.add_done_callback(loose.discard)
        return [None] * len(args[2])

    KafkaDoor.readings = wrapped  # type: ignore[assignment]


def fresh_number() -> None:
    """Numbers of frames that came without one depend on the process that made them."""
    numbered = numbering.numbered

    def wrapped(event_ts_ms: int, message_id: str) -> int:
        return numbered(event_ts_ms, f"{message_id}/{os.getpid()}")

    for module in (items, observations):
        module.numbered = wrapped  # type: ignore[attr-defined]


def one_of_two() -> None:
    """Every second reading of a run is forgotten."""
    readings = KafkaDoor.readings

    async def wrapped(self: KafkaDoor, sender: Any, given: Any) -> list[Any]:
        await readings(self, sender, given[::2])
        return [None] * len(given)

    KafkaDoor.readings = wrapped  # type: ignore[assignment]


FAULTS: Final[dict[str, Callable[[], None]]] = dict(
    zip(SABOTAGES, (early_ack, fresh_number, one_of_two), strict=True)
)


def main() -> int:
    """Run a gateway with the fault that the argument names."""
    FAULTS[sys.argv[1]]()
    sys.argv[1:] = ["gateway"]
    return edge_main()


if __name__ == "__main__":
    sys.exit(main())
