"""The devices of a gateway drill, a process: `python -m bench.drills.devices PLAN LEDGER`, the plan as JSON.

SIGTERM ends the schedule; what is not acknowledged is still sent for a while, then the ledger is written.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.drills.device_ledger import DeviceLedger
from bench.drills.device_lines import Frame, HttpLine, Line, MllpLine

HTTP_LINES: Final = 8
"""Every second one sends no numbers, but an Idempotency-Key."""

MLLP_LINES: Final = 8
ASKS: Final = ("|", "AL|NE")
"""MSH-15 and MSH-16 of every second line: answers AA and CA."""

DEVICES: Final = 10
"""Of a line."""

INTERVAL_S: Final = 0.5
"""Between two frames of a device."""

STEP_S: Final = INTERVAL_S / DEVICES
SETTLE_S_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """Ports of the gateways."""

    http_ports: Sequence[int]
    mllp_ports: Sequence[int]


def lines_of(plan: DevicePlan, ledger: DeviceLedger) -> dict[str, Line]:
    """Return the lines by their names; half of them begin with the other gateway."""
    lines: dict[str, Line] = {}
    for n in range(HTTP_LINES):
        lines[f"h{n}"] = HttpLine(_from(plan.http_ports, n), ledger, numbered=n % 2 == 0)
    for n in range(MLLP_LINES):
        lines[f"m{n}"] = MllpLine(_from(plan.mllp_ports, n // 2), ledger, n, ASKS[n % 2])
    return lines


def _from(ports: Sequence[int], place: int) -> list[int]:
    start = place % len(ports)
    return [*ports[start:], *ports[:start]]


async def run(plan: DevicePlan, ledger: DeviceLedger) -> None:
    """Send until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    lines = lines_of(plan, ledger)
    tasks = [asyncio.create_task(line.run()) for line in lines.values()]
    begun_s = time.time()
    step = 0
    while not stop.is_set():
        due_s = begun_s + step * STEP_S
        await asyncio.sleep(max(0.0, due_s - time.time()))
        for name, line in lines.items():
            line.plan(Frame(f"gw-{name}-{step % DEVICES}", round(due_s * 1000), step // DEVICES))
        step += 1
    for line in lines.values():
        line.closing = True
    _, late = await asyncio.wait(tasks, timeout=SETTLE_S_MAX)
    for task in late:
        task.cancel()
    for task in set(tasks) - late:
        task.result()  # a fault of ours must not look like a device that is content


def main() -> int:
    """Run the plan in the first argument and write the ledger to the second."""
    plan, ledger = DevicePlan(**json.loads(sys.argv[1])), DeviceLedger()
    asyncio.run(run(plan, ledger))
    ledger.save(Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
