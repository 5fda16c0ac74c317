"""Faults of devices: what they do is a shape of the load (`shapes`); here is when, and what must hold."""

from typing import Final

from bench.drills.findings import Findings
from bench.drills.shapes import BACKLOG_S, BACKLOG_TIMES, TROUBLE_FROM, TROUBLE_TO
from bench.drills.stage import Stage

RATIO_MAX: Final = 2.0
"""How many times as long the p99 of other patients' alerts may become."""


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
