"""Rights at the broker: what each part of Vigil may do there, and nothing else; one table.

From it come `deploy/kafka/acls.sh`, the table of docs/security.md (both by `streams.published.rights_pages`) and the
Kafka users of a cluster on Kubernetes. Each part has an account of its own. A part is what is started as one:
`vigil deliver` is two processes and one account.

Reading and writing a topic let a client describe it, too (Kafka's own rule), as joining a group does. No part has a
right to a transactional id, to accounts and rights, or to the cluster.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from streams.contracts import topics
from streams.contracts.topics import (
    ALERTS,
    ASSIGNMENTS,
    ASSOCIATIONS,
    AUDIT,
    COMMANDS,
    DEAD_LETTERS,
    DELIVERIES,
    ESCALATIONS,
    HEARTBEAT,
    LAYOUT,
    LIMITS,
    PATIENTS,
    READINGS,
    REFERENCE,
    RULES,
    SHADOW_ALERTS,
    WARDS,
)

Kind = Literal["topic", "group"]
Operation = Literal["Read", "Write", "Create", "Delete", "Describe", "DescribeConfigs"]
"""As Kafka and Strimzi call them."""

ACCOUNT_PREFIX: Final = "vigil-"
"""Put before a part's name, it is the account that the generated file gives the rights to."""

GROUP: Final = "{group}"
CHANGELOG: Final = f"{GROUP}-patients-changelog"
DELIVERY_CHANGELOG: Final = f"{GROUP}-delivery-escalations-changelog"
DELIVERY: Final = f"{GROUP}-delivery"
CHANNELS: Final = f"{GROUP}-channels"
REFILING: Final = f"{GROUP}-refiling"
FORMULARY: Final = f"{GROUP}-reference"
SHADOWS: Final = f"{GROUP}-shadow-*"
"""Groups and changelogs of all shadows: the name of the rules that one tries follows."""

SCALED: Final = f"{{prefix}}{READINGS}.g*"
"""The readings of every generation but the first (`streams.contracts.layout`)."""

SCALED_GROUP: Final = f"{GROUP}.g*"
"""The workers' groups and changelogs likewise."""

FORWARDING: Final = f"{GROUP}-forwarding"

PROBES: Final = "{prefix}vigil-doctor-*"
"""Topics in which `vigil doctor` compares clocks."""

EVERY: Final = (*(topic.name for topic in topics.TOPICS), CHANGELOG, DELIVERY_CHANGELOG)
"""Every topic that `vigil topics apply` makes; a worker compares all of them with the plan before it begins."""


@dataclass(frozen=True, slots=True)
class Part:
    """One account: what it is for, and the names that it may do something with.

    Names of topics are those of `streams.contracts.topics`, before the prefix. `{group}` stands for the workers' group,
    and a `*` at the end for anything.
    """

    name: str
    runs: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    compares: tuple[str, ...] = ()
    """Topics that it compares with the plan: describes, and their configuration too."""
    looks_at: tuple[str, ...] = ()
    """Topics of which it asks how many partitions there are and where they end."""
    makes: tuple[str, ...] = ()
    """Topics that it creates."""
    removes: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    """Groups that it is a member of, or commits for."""
    follows: tuple[str, ...] = ()
    """Groups of which it asks how far they are."""
    ends: tuple[str, ...] = ()
    """Groups that it removes."""


PARTS: Final[tuple[Part, ...]] = (
    Part(
        "setup",
        "`vigil topics apply`, `vigil doctor`, by who upgrades",
        writes=(PROBES,),
        compares=EVERY,
        makes=(*EVERY, PROBES),
        removes=(PROBES,),
    ),
    Part(
        "scale",
        "`vigil scale`, by who gives the readings more partitions",
        reads=(READINGS, COMMANDS, WARDS, RULES, LAYOUT, CHANGELOG, SCALED, SCALED_GROUP),
        writes=(LAYOUT, SCALED_GROUP),
        compares=(*EVERY, SCALED, SCALED_GROUP),
        makes=(SCALED, SCALED_GROUP),
        removes=(READINGS, CHANGELOG, SCALED, SCALED_GROUP),
        joins=(SCALED_GROUP, FORWARDING),
        follows=(GROUP, SCALED_GROUP, FORWARDING),
        ends=(GROUP, SCALED_GROUP, FORWARDING),
    ),
    Part(
        "worker",
        "`vigil worker`",
        reads=(READINGS, COMMANDS, WARDS, RULES, LAYOUT, CHANGELOG, SCALED, SCALED_GROUP),
        writes=(
            *(READINGS, COMMANDS, WARDS, ALERTS, PATIENTS, LIMITS, HEARTBEAT, DEAD_LETTERS),
            *(LAYOUT, CHANGELOG, SCALED, SCALED_GROUP),
        ),
        compares=(*EVERY, SCALED, SCALED_GROUP),
        joins=(GROUP, SCALED_GROUP, FORWARDING),
    ),
    Part(
        "gateway",
        "`vigil gateway`",
        reads=(READINGS, ASSOCIATIONS, LAYOUT, SCALED),
        writes=(READINGS, ASSOCIATIONS, ALERTS, DEAD_LETTERS, SCALED),
        joins=(REFILING,),
        follows=(FORWARDING,),
    ),
    Part(
        "board",
        "`vigil board`",
        reads=(
            *(READINGS, ALERTS, COMMANDS, LIMITS, PATIENTS, ASSIGNMENTS, REFERENCE, DELIVERIES),
            *(SHADOW_ALERTS, RULES, HEARTBEAT, LAYOUT, SCALED),
        ),
        writes=(COMMANDS, AUDIT, ASSIGNMENTS, DELIVERIES),
        follows=(GROUP, SCALED_GROUP, SHADOWS),
    ),
    Part(
        "deliver",
        "`vigil deliver`",
        reads=(ALERTS, LIMITS, ASSIGNMENTS, DELIVERIES, ESCALATIONS, DELIVERY_CHANGELOG),
        writes=(ALERTS, DELIVERIES, ESCALATIONS, DEAD_LETTERS, DELIVERY_CHANGELOG),
        compares=EVERY,
        joins=(DELIVERY, CHANNELS),
    ),
    Part(
        "history",
        "`vigil history run`, `verify`",
        reads=(READINGS, ALERTS, COMMANDS, AUDIT, LIMITS, DELIVERIES, LAYOUT, SCALED),
    ),
    Part(
        "watch",
        "`vigil watch --alert`",
        reads=(ALERTS, DELIVERIES, HEARTBEAT, LAYOUT),
        writes=(ALERTS,),
        looks_at=(READINGS, SCALED),
        follows=(GROUP, SCALED_GROUP),
    ),
    Part(
        "reference",
        "`vigil reference run`",
        reads=(COMMANDS, LIMITS, REFERENCE),
        writes=(COMMANDS, REFERENCE),
        joins=(FORMULARY,),
    ),
    Part(
        "shadow",
        "`vigil shadow`, by who tries rules and puts them in force",
        reads=(
            *(READINGS, ALERTS, PATIENTS, SHADOW_ALERTS, RULES, LAYOUT, CHANGELOG, SHADOWS),
            *(SCALED, SCALED_GROUP),
        ),
        writes=(READINGS, SHADOW_ALERTS, RULES, SHADOWS, SCALED),
        compares=(*EVERY, SHADOWS),
        makes=(SHADOWS,),
        removes=(SHADOWS,),
        joins=(SHADOWS,),
        follows=(GROUP, SCALED_GROUP),
        ends=(SHADOWS,),
    ),
    Part(
        "operator",
        "the command line: orders, lists, reports, `patients observe`, `assign`, `reference`",
        reads=(
            *(READINGS, ALERTS, COMMANDS, LIMITS, PATIENTS, ASSOCIATIONS, ASSIGNMENTS, REFERENCE, RULES),
            *(HEARTBEAT, LAYOUT, SCALED),
        ),
        writes=(READINGS, COMMANDS, ASSOCIATIONS, ASSIGNMENTS, REFERENCE, SCALED),
        compares=(*EVERY, SCALED, SCALED_GROUP),
        follows=(GROUP, SCALED_GROUP),
    ),
    Part(
        "device",
        "what writes frames past the gateways, `vigil simulate`; only where it must be",
        reads=(LAYOUT,),
        writes=(READINGS, SCALED),
        follows=(FORWARDING,),
    ),
)


@dataclass(frozen=True, slots=True)
class Right:
    """Operations that a part may do with one topic or group, or with all whose name begins so."""

    kind: Kind
    name: str
    operations: tuple[Operation, ...]
    is_prefix: bool = False


def part_called(name: str) -> Part:
    """Return a part by its name."""
    return next(part for part in PARTS if part.name == name)


def rights_of(part: Part, group: str = "vigil", prefix: str = "") -> list[Right]:
    """Return a part's rights with the names as they are on the broker, topics first.

    Args:
        part: whose.
        group: the workers' group (setting `group`).
        prefix: of topics (setting `topic_prefix`).
    """
    of_topics: tuple[tuple[tuple[str, ...], Sequence[Operation]], ...] = (
        (part.reads, ("Read",)),
        (part.writes, ("Write",)),
        (part.makes, ("Create",)),
        (part.removes, ("Delete",)),
        (part.looks_at, ("Describe",)),
        (part.compares, ("Describe", "DescribeConfigs")),
    )
    of_groups: tuple[tuple[tuple[str, ...], Sequence[Operation]], ...] = (
        (part.joins, ("Read",)),
        (part.follows, ("Describe",)),
        (part.ends, ("Delete",)),
    )
    return [*_joined("topic", of_topics, group, prefix), *_joined("group", of_groups, group, prefix)]


def _joined(
    kind: Kind,
    given: Sequence[tuple[tuple[str, ...], Sequence[Operation]]],
    group: str,
    prefix: str,
) -> Iterator[Right]:
    """Yield one right for each name, with everything that may be done with it."""
    found: dict[str, list[Operation]] = {}
    for names, operations in given:
        for name in names:
            found.setdefault(name, []).extend(operations)
    for name, operations in found.items():
        unique = tuple(dict.fromkeys(operations))
        full = broker_name(name, group, prefix)
        yield Right(kind, full.removesuffix("*"), unique, full.endswith("*"))


def broker_name(name: str, group: str, prefix: str) -> str:
    """Return a name of the table as it is on the broker; a `*` at its end stays."""
    is_ours = name in {topic.name for topic in topics.TOPICS}
    return (prefix if is_ours else "") + name.format(group=group, prefix=prefix)


def account_of(part: Part) -> str:
    """Return the account that the generated file gives a part's rights to."""
    return ACCOUNT_PREFIX + part.name
