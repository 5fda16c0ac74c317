"""Every topic in the order of the flow: name, what its key and value are, and how long it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DAY_MS: Final = 86_400_000
YEARS_MS: Final = 10 * 365 * DAY_MS
"""How long the audit trail is kept; a hospital's own rules may want longer."""

DEAD_LETTERS_BYTES_MAX: Final = 4 * 1024**3
"""Of refused records, the newest: a device that sends nothing else must not fill the brokers' disks."""

READINGS: Final = "vitals.readings"
ALERTS: Final = "vitals.alerts"
COMMANDS: Final = "vitals.commands"
LIMITS: Final = "vitals.limits"
PATIENTS: Final = "vitals.patients"
HEARTBEAT: Final = "vitals.heartbeat"
DEAD_LETTERS: Final = "vitals.dead-letters"


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `partitions` None means as many as the readings have, so that patients stay together."""

    name: str
    key: str
    value: str
    about: str
    partitions: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)


TOPICS: Final[tuple[Topic, ...]] = (
    Topic(
        READINGS,
        "patient",
        "Frame",
        "what bedside devices measured, in log order, with a tick a second in every partition; a frame lies where "
        "the murmur2 hash of its key says (librdkafka: partitioner=murmur2_random)",
        config={"retention.ms": str(7 * DAY_MS), "message.timestamp.type": "LogAppendTime"},
    ),
    Topic(
        ALERTS,
        "patient",
        "Alert",
        "lifecycle events of alarms",
        config={"retention.ms": str(30 * DAY_MS), "message.timestamp.type": "LogAppendTime"},
    ),
    Topic(
        COMMANDS,
        "patient",
        "Command",
        "what people order, who, when and why, and what became of it: the audit trail",
        config={"retention.ms": str(YEARS_MS), "message.timestamp.type": "LogAppendTime"},
    ),
    Topic(
        LIMITS,
        "patient",
        "Limits",
        "each patient's own limits and profile now in force; none once the patient is discharged or gone",
        config={"cleanup.policy": "compact"},
    ),
    Topic(
        PATIENTS,
        "patient",
        "Patient",
        "each patient's state for boards that start up: open alarms, pause, last values",
        config={"cleanup.policy": "compact"},
    ),
    Topic(
        HEARTBEAT,
        "partition",
        "Heartbeat",
        "a sign of life every two seconds of each partition that is judged, for a watcher outside",
        config={"retention.ms": str(DAY_MS), "message.timestamp.type": "LogAppendTime"},
    ),
    Topic(
        DEAD_LETTERS,
        "the record's own, or none",
        "the record as it came, at most its first 64 KiB",
        "what could not be accepted, with reason, topic, partition, offset and whole length in its headers",
        partitions=1,
        config={
            "retention.ms": str(30 * DAY_MS),
            "retention.bytes": str(DEAD_LETTERS_BYTES_MAX),
            "max.message.bytes": str(4 * 1024 * 1024),
        },
    ),
)
