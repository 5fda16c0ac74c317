"""Every topic in the order of the flow: name, what its key and value are, and how long it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
STAMPED_BY: Final = "message.timestamp.type"
"""Setting of a topic: whose clock the times of its records are of. Ours say `LogAppendTime`, the broker's."""
YEARS_MS: Final = 10 * 365 * DAY_MS
"""How long the audit trail is kept; a hospital's own rules may want longer."""

DEAD_LETTERS_BYTES_MAX: Final = 4 * 1024**3
"""Of refused records, the newest: a device that sends nothing else must not fill the brokers' disks."""

READINGS: Final = "vitals.readings"
ALERTS: Final = "vitals.alerts"
COMMANDS: Final = "vitals.commands"
AUDIT: Final = "vitals.audit"
LIMITS: Final = "vitals.limits"
PATIENTS: Final = "vitals.patients"
WARDS: Final = "vitals.wards"
ASSOCIATIONS: Final = "vitals.associations"
ASSIGNMENTS: Final = "vitals.assignments"
DELIVERIES: Final = "vitals.deliveries"
ESCALATIONS: Final = "vitals.escalations"
REFERENCE: Final = "vitals.reference"
SHADOW_ALERTS: Final = "vitals.shadow-alerts"
RULES: Final = "vitals.rules"
LAYOUT: Final = "vitals.layout"
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
        config={"retention.ms": str(7 * DAY_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        ALERTS,
        "patient",
        "Alert",
        "lifecycle events of alarms",
        config={"retention.ms": str(30 * DAY_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        COMMANDS,
        "patient",
        "Signed, Answer",
        "what people order, who, when and why, and what became of it: the audit trail of what was done",
        config={"retention.ms": str(YEARS_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        AUDIT,
        "person",
        "Audited",
        "what people opened, and their sign-ins: the audit trail of what was seen",
        config={"retention.ms": str(YEARS_MS), STAMPED_BY: "LogAppendTime"},
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
        config={
            "cleanup.policy": "compact",
            # Every patient's values are written every few seconds, and a board that starts reads all that is there.
            # Kafka never compacts the segment that it writes: of a GiB, its default, that is millions of old values.
            "segment.bytes": str(1024 * 1024),
            "min.cleanable.dirty.ratio": "0.2",
        },
    ),
    Topic(
        WARDS,
        "ward and partition, or the ward",
        "WardReport, WardState",
        "how many of a ward's patients each partition has and how many are silent, and the ward's alarm",
        config={
            "cleanup.policy": "compact",
            STAMPED_BY: "LogAppendTime",
            # Decided again after a restart is what came since the last commit: until then all of it must be there.
            "min.compaction.lag.ms": str(HOUR_MS),
            "segment.bytes": str(16 * 1024 * 1024),
        },
    ),
    Topic(
        ASSOCIATIONS,
        "device and report, patient and movement, or sender and what it said",
        "Association, Placement, Movement, Heard, Visit, NamedPlace",
        "which device is on which patient from when to when, and who said so",
        partitions=1,
        config={
            "cleanup.policy": "compact",
            STAMPED_BY: "LogAppendTime",
            # What was filed by an older word than the newest is found from the last commit on: all of it must be there.
            "min.compaction.lag.ms": str(DAY_MS),
            "segment.bytes": str(16 * 1024 * 1024),
        },
    ),
    Topic(
        ASSIGNMENTS,
        "place, role, beginning and person",
        "Assignment",
        "who is responsible for a bed or a ward, by role and shift",
        partitions=1,
        config={"cleanup.policy": "compact", STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        REFERENCE,
        "ward, bed or line of the formulary",
        "WardFacts, BedFacts, FormularyLine",
        "what wards and beds are called, their time zones, and the limits that wards want",
        partitions=1,
        config={"cleanup.policy": "compact", STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        DELIVERIES,
        "patient",
        "Delivery",
        "milestones of each alert's way to each person",
        config={"retention.ms": str(YEARS_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        ESCALATIONS,
        "patient",
        "Told, Delivery",
        "what delivery decides by, in one order: alerts with their ward, milestones, and two ticks a second",
        config={"retention.ms": str(DAY_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        SHADOW_ALERTS,
        "patient",
        "Alert",
        "what a rule set that is tried would have told; nobody is alarmed by it",
        config={"retention.ms": str(30 * DAY_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        RULES,
        "group of the workers",
        "Rules, sealed",
        "which rules are in force and which are tried, with their whole text, who said so, when and why",
        partitions=1,
        config={
            "retention.ms": str(YEARS_MS),
            STAMPED_BY: "LogAppendTime",
            "max.message.bytes": str(4 * 1024 * 1024),
        },
    ),
    Topic(
        LAYOUT,
        "group of the workers",
        "Layout, sealed",
        "how many partitions the readings have and where they are written and judged, while they are given more too",
        partitions=1,
        # Never compacted: of two records of one number the first counts, which compaction would not keep.
        config={"retention.ms": str(YEARS_MS), STAMPED_BY: "LogAppendTime"},
    ),
    Topic(
        HEARTBEAT,
        "partition",
        "Heartbeat",
        "a sign of life every two seconds of each partition that is judged, for a watcher outside",
        config={"retention.ms": str(DAY_MS), STAMPED_BY: "LogAppendTime"},
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
