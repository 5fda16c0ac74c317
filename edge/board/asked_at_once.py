"""Several sources asked at once, each with a deadline: what is late is named, and nobody waits for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from edge.board.metrics import BoardMetrics

DEADLINE_S: Final = 0.5
"""For each source of a page, by the issue; whatever it answers later is not shown."""

Source = Callable[[], Awaitable[Any]]


async def gathered(
    sources: Mapping[str, Source], metrics: BoardMetrics, deadline_s: float = DEADLINE_S
) -> tuple[dict[str, Any], list[str]]:
    """Return what each source said, and the names of those that failed or did not answer within the deadline."""
    results = await asyncio.gather(*(_asked(name, ask, metrics, deadline_s) for name, ask in sources.items()))
    said = dict(zip(sources, results, strict=True))
    late = [name for name, result in said.items() if result is LATE]
    return {name: result for name, result in said.items() if result is not LATE}, late


class _Late:
    """Stands for an answer that did not come."""


LATE: Final = _Late()


async def _asked(name: str, ask: Source, metrics: BoardMetrics, deadline_s: float) -> Any:
    begun_s = time.perf_counter()
    try:
        async with asyncio.timeout(deadline_s):
            said = await ask()
    except Exception:  # whatever it is: the others are shown, and this one is named
        metrics.late.labels(name).inc()
        return LATE
    metrics.source_s.labels(name).observe(time.perf_counter() - begun_s)
    return said
