"""What is wrong with processes, in words, the worst first. Pure; bounds as in the alerts of docs/operations.md."""

import time
from collections.abc import Sequence
from typing import Final

from edge.top.top_rows import DeliveryRow, GatewayRow, Row, SenderRow, WorkerRow
from edge.top.watched import Watched
from edge.ward_view import clock

LAG_S_MAX: Final = 5.0
ALERT_P99_S_MAX: Final = 2.0
CHECKPOINT_AGE_S_MAX: Final = 120.0
"""Twice the longest interval between two checkpoints of a partition that the settings allow."""


def troubles(processes: Sequence[Watched], now_s: float, wall_s: float) -> list[str]:
    """Return a line for each thing that somebody has to look at: who is silent first.

    Args:
        processes: all that are asked.
        now_s: monotonic time, s.
        wall_s: the same moment, Unix epoch, s.
    """
    found = [
        f"{_called(process)} {silence(process, now_s, wall_s)}"
        for process in processes
        if process.silent_since_s is not None and not process.is_missing
    ]
    for process in processes:
        if (row := process.row()) is not None:
            found += [f"{_called(process)} {what}" for what in _of(row)]
        elif process.silent_since_s is None:
            found.append(f"{process.place.name} is no worker, gateway, delivery or sender of Vigil")
    return found


def silence(process: Watched, now_s: float, wall_s: float) -> str:
    """Say since when a process that is silent does not answer."""
    assert process.silent_since_s is not None, "it answers"
    lasted_s = max(0.0, now_s - process.silent_since_s)
    since = time.strftime("%H:%M:%S", time.localtime(wall_s - lasted_s))
    if process.has_answered:
        return f"does not answer since {since} ({clock(lasted_s)})"
    return f"has not answered since {since}, when this began ({clock(lasted_s)})"


def _called(process: Watched) -> str:
    return f"{process.kind or process.place.kind or 'process'} {process.place.name}"


def _of(row: Row) -> list[str]:
    if isinstance(row, WorkerRow):
        return _of_worker(row)
    if isinstance(row, GatewayRow):
        found = {
            "cannot write to Kafka: what comes is spooled or refused": not row.kafka_takes,
            f"has {row.spool_records:,} records in its spool": row.spool_records > 0,
        }
    elif isinstance(row, DeliveryRow):
        found = {
            "owns no partition, or recovers them": not row.is_ready,
            f"has reached nobody for {row.failed:,} open alarms": row.failed > 0,
            f"knows nobody for the role of {row.unassigned:,} open alarms": row.unassigned > 0,
        }
    else:
        found = _of_sender(row)
    return [what for what, holds in found.items() if holds]


def _of_worker(row: WorkerRow) -> list[str]:
    checkpoint_age_s, alert_p99_s = row.checkpoint_age_s or 0.0, row.alert_p99_s or 0.0
    found = {
        "owns no partition, or recovers them": not row.is_ready,
        f"is {row.lag_s:.1f} s behind": row.lag_s > LAG_S_MAX,
        "sends alerts late: see p99": alert_p99_s > ALERT_P99_S_MAX,
        f"has made nothing durable for {clock(checkpoint_age_s)}": checkpoint_age_s > CHECKPOINT_AGE_S_MAX,
        f"refuses records: {row.dead_letters_new:,} dead letters just now": row.dead_letters_new > 0,
    }
    return [what for what, holds in found.items() if holds]


def _of_sender(row: SenderRow) -> dict[str, bool]:
    return {
        f"leaves {row.channels_left_alone} channels alone, which do not take messages": row.channels_left_alone
        > 0,
        f"has given up {row.given_up_new:,} messages just now": row.given_up_new > 0,
        f"has {row.unwritten:,} milestones that Kafka has not taken": row.unwritten > UNWRITTEN_MAX,
    }


UNWRITTEN_MAX: Final = 100
"""Milestones of a sender on their way to Kafka while all is well: a batch or two."""
