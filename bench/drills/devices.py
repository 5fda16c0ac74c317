"""The devices of a gateway drill, a process: `python -m bench.drills.devices PLAN LEDGER`, the plan as JSON.

SIGTERM ends the schedule; what is not acknowledged is still sent for a while, then the ledger is written.
"""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.drills.device_ledger import DeviceLedger
from bench.drills.device_lines import Frame, HttpLine, Line, MllpLine
from bench.drills.fhir_lines import FhirLine
from bench.drills.line_devices import MqttLine, VitalLine

LINES: Final = 8
"""Of each protocol."""

ASKS: Final = ("|", "AL|NE")
"""MSH-15 and MSH-16 of every second line: answers AA and CA."""

DEVICES: Final = 10
"""Of a line."""

INTERVAL_S: Final = 0.5
"""Between two frames of a device."""

STEP_S: Final = INTERVAL_S / DEVICES
SETTLE_S_MAX: Final = 60.0

Make = Callable[[Sequence[int], DeviceLedger, int], Line]
LINE_OF: Final[dict[str, Make]] = {
    "http": lambda ports, ledger, n: HttpLine(ports, ledger, numbered=n % 2 == 0),
    "hl7": lambda ports, ledger, n: MllpLine(ports, ledger, n, ASKS[n % 2]),
    "fhir": lambda ports, ledger, n: FhirLine(ports, ledger, batches=n % 2 == 0),
    "mqtt": lambda ports, ledger, n: MqttLine(ports, ledger, numbered=n % 2 == 0),
    "vital-recorder": lambda ports, ledger, n: VitalLine(ports, ledger),
}
"""A line by its protocol, the gateways' ports and its place; of HTTP, HL7 and FHIR every second one is of another kind.
A device's name begins with `gw-`, its protocol and its line."""


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """The gateways' ports by protocol."""

    ports: dict[str, Sequence[int]]


def lines_of(plan: DevicePlan, ledger: DeviceLedger) -> dict[str, Line]:
    """Return the lines by their names; half of them begin with the other gateway."""
    return {
        f"{protocol}{n}": LINE_OF[protocol](_from(ports, n // 2), ledger, n)
        for protocol, ports in plan.ports.items()
        for n in range(LINES)
    }


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
