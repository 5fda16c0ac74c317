"""Faults of devices: what they do is a shape of the load (`shapes`); here is when, and what must hold."""

import contextlib
from collections.abc import Iterator
from functools import partial
from typing import Final

from bench.drills.fault import Claim, Fault
from bench.drills.findings import Findings
from bench.drills.shapes import (
    BACKLOG_S,
    BACKLOG_TIMES,
    DISORDER,
    HOT,
    POISON,
    TROUBLE_FROM,
    TROUBLE_TO,
)
from bench.drills.stage import Stage

RATIO_MAX: Final = 2.0
"""How many times as long the p99 of other patients' alerts may become."""

TROUBLE_BOUND_S: Final = 10.0
"""Devices hold up nobody: as without a fault."""


@contextlib.contextmanager
def _by_the_load(_: Stage, what: str) -> Iterator[str]:
    """What the loader does by itself in the time that its plan says (`LoadPlan.troubles`)."""
    yield what


TROUBLES: Final = tuple(
    Fault(name, partial(_by_the_load, what=what), (10.0, 60.0), TROUBLE_BOUND_S, frozenset({claim}))
    for name, claim, what in (
        (POISON, Claim.POISON, "one record in ten is malformed"),
        (DISORDER, Claim.DISORDER, "frames come three times, late, and from clocks that step"),
        (HOT, Claim.HOT, "one device runs hot"),
    )
)


def none(stage: Stage) -> None:
    """Let the load run."""
    stage.sleep_until(1.0)


def one_device_runs_hot(stage: Stage) -> None:
    """Mark the time in which one device sends at many times its rate."""
    stage.sleep_until(TROUBLE_FROM)
    with stage.fault("one device runs hot"):
        stage.sleep_until(TROUBLE_TO)
    stage.sleep_until(1.0)


def all_devices_come_back(stage: Stage) -> None:
    """Mark the time in which devices deliver what they held back."""
    catching_up_s = BACKLOG_S / (BACKLOG_TIMES - 1)
    stage.sleep_until(TROUBLE_FROM)
    with stage.fault("devices come back with their backlog"):
        stage.sleep_until(min(1.0, TROUBLE_FROM + catching_up_s / stage.seconds))
    stage.sleep_until(1.0)


def others_are_not_delayed(found: Findings) -> list[str]:
    """The p99 latency of other patients' alerts stays below `RATIO_MAX` times its value before."""
    ratio = found.p99_ratio()
    if ratio is None:
        return ["no alert before or during the fault: nothing was tested"]
    found.facts["p99_ratio"] = round(ratio, 2)
    return [f"p99 became {ratio:.2f} times as long as before"] if ratio >= RATIO_MAX else []


def something_was_refused(found: Findings) -> list[str]:
    """Malformed records were in the log at all."""
    return [] if found.facts["bad_records"] else ["no record was malformed: nothing was tested"]
