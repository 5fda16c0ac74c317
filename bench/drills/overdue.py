"""How late an alert may be that was decided beside faults, and which ones were later. Pure."""

from collections.abc import Sequence

from bench.drills.findings import FaultTime
from bench.drills.oracle import Told

CALM_BOUND_S = 10.0
"""For an alert that no fault held up; as long as an orderly handover may take."""


def due_ms(decided_ms: int, faults: Sequence[FaultTime]) -> int:
    """Return by when an alert must be out.

    It may wait until the bound of every fault is over that worked when it was decided, and then for each that began
    while it waited: who is held up by one fault is still there for the next.
    """
    due = decided_ms + round(1000 * CALM_BOUND_S)
    reaching = sorted(faults, key=_from_ms)
    for fault in reaching:
        if _from_ms(fault) <= due and decided_ms <= _until_ms(fault):
            due = max(due, _until_ms(fault))
    return due


def overdue(told: Sequence[Told], faults: Sequence[FaultTime]) -> list[str]:
    """Return a sentence about the alert that came latest after it was due, and how many others came late; or none."""
    late = [(alert.append_ms - due_ms(alert.decided_ms, faults), alert) for alert in told]
    late = [(by_ms, alert) for by_ms, alert in late if by_ms > 0]
    if not late:
        return []
    by_ms, worst = max(late, key=lambda one: one[0])
    return [
        f"{len(late)} alerts came later than the faults' bounds allow; the latest took"
        f" {worst.latency_ms / 1000:.1f} s, {by_ms / 1000:.1f} s too long"
    ]


def _from_ms(fault: FaultTime) -> int:
    return fault.from_ms - round(1000 * fault.skew_s)


def _until_ms(fault: FaultTime) -> int:
    healed_ms = fault.to_ms if fault.healed_ms is None else fault.healed_ms
    return healed_ms + round(1000 * (fault.bound_s + 2 * fault.skew_s))
