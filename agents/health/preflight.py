"""What must be true before a worker joins its group: a folder it can write, a broker, the topics as planned.

Faust would meet each of these with pages of traces, or not at all: it would go on with a changelog that has another
number of partitions than the readings, and look for patients in the wrong place.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from streams.config.settings import Settings
from streams.contracts.topics import READINGS, STAMPED_BY, TOPICS
from streams.errors import TopicsMismatch, UsageError, VigilError
from streams.kafka.admin import Difference, inspect_topics, plan
from streams.kafka.connect import connect_admin
from streams.kafka.membership import group_of, intruder

PROBE_BYTES: Final = 4_096
"""Written to the data folder and removed again: a full disk accepts a file, but no bytes."""

logger = logging.getLogger(__name__)


def check_data_dir(settings: Settings) -> None:
    """Make the worker's folder and write to it.

    Raises:
        UsageError: with what the operating system says.
    """
    folder = settings.data_dir / settings.group
    try:
        folder.mkdir(parents=True, exist_ok=True)
        next(folder.iterdir(), None)  # readable too, which writing does not need
        _write_probe(folder)
    except OSError as error:
        raise UsageError(f"data_dir: cannot use {folder}: {error.strerror}") from None


def check_broker(settings: Settings, progress: Callable[[str], None]) -> None:
    """Wait for a broker and look at its topics.

    Args:
        settings: the worker's.
        progress: told now and then what a longer wait is for.

    Raises:
        UsageError: a certificate or password cannot be read.
        BrokerUnreachable: no broker let us in within `connect_wait_s`.
        TopicsMismatch: a topic is missing or has another number of partitions.
    """
    await_broker(settings, progress)
    check_topics(settings)


def check_group(settings: Settings) -> None:
    """Look whether a client of another protocol is in the group already; a broker that cannot say so is no hindrance.

    Raises:
        VigilError: there is one, with what mends it.
    """
    try:
        found = intruder(group_of(settings))
    except (
        VigilError
    ) as error:  # who comes into it later is noticed all the same: `streams.lane.own_assignor`
        logger.warning("%s", error)
        return
    if found:
        raise VigilError(
            f"the group {settings.judging_group} is in use by {found}: no patient would be judged; end it, "
            "or give it a group of its own"
        )


def await_broker(settings: Settings, progress: Callable[[str], None]) -> None:
    """Wait for a broker; raises as `check_broker` does, but for topics."""
    connect_admin(settings, settings.connect_wait_s, progress).close()


def check_topics(settings: Settings) -> None:
    """Compare the broker's topics with the plan; a difference that moves no patient and no time is only logged.

    Raises:
        TopicsMismatch: a topic is missing or has another number of partitions, or the readings are not stamped by
            the broker, and what mends it.
    """
    differences = inspect_topics(settings).differences
    missing = [
        difference for difference in differences if difference.found is None and difference.what == "topic"
    ]
    if missing:
        names = ", ".join(difference.topic for difference in missing)
        raise TopicsMismatch(f"no topic {names} at {settings.brokers}; create with: {_apply(settings)}")
    moved = [difference for difference in differences if difference.what == "partitions"]
    if moved:
        raise TopicsMismatch(_moved(settings, moved))
    # A broker that reports no such setting, as the embedded one of a topic it was told nothing of, stamps nothing:
    # there the lane bounds times (`streams.kafka.stamping`).
    unstamped = [
        d for d in differences if d.what == STAMPED_BY and d.topic == settings.topic(READINGS) and d.found
    ]
    if unstamped:
        raise TopicsMismatch(_unstamped(settings, unstamped[0]))
    for difference in differences:
        found = "not set" if difference.found is None else difference.found
        logger.warning(
            "%s: %s is %s, planned %s", difference.topic, difference.what, found, difference.planned
        )


def _moved(settings: Settings, differences: Sequence[Difference]) -> str:
    """Return one line about topics whose number of partitions is not as planned."""
    told = ", ".join(f"{d.topic} has {d.found} partitions, planned {d.planned}" for d in differences)
    found = {difference.found for difference in differences}
    fixed = {settings.topic(topic.name) for topic in TOPICS if topic.partitions is not None}
    following = {topic.name for topic in plan(settings)} - fixed
    # Readings, alerts and changelog agree with one another: only the setting is wrong.
    if len(found) == 1 and {difference.topic for difference in differences} == following:
        mend = f"start with VIGIL_PARTITIONS={found.pop()}, or make new topics with: {_apply(settings, new=True)}"
    else:
        mend = f"make new topics with: {_apply(settings, new=True)}"
    return f"{told}; patients would not meet their state; {mend}"


def _unstamped(settings: Settings, difference: Difference) -> str:
    """Return one line about readings that carry the times of whoever wrote them."""
    return (
        f"{difference.topic}: {STAMPED_BY} is {difference.found}, planned {difference.planned}; any device could set "
        f"the time for all; mend with: kafka-configs.sh --bootstrap-server {settings.brokers} --alter --entity-type "
        f"topics --entity-name {difference.topic} --add-config {STAMPED_BY}={difference.planned}"
    )


def _apply(settings: Settings, new: bool = False) -> str:
    """Return the command that creates the topics, under another prefix and group if `new`."""
    prefix, group = settings.topic_prefix, settings.group
    if new:
        prefix, group = f"NEW.{prefix}", f"{group}-NEW"
    options = [f"--brokers {settings.brokers}", f"--prefix {prefix}" if prefix else ""]
    options += [
        f"--group {group}",
        f"--partitions {settings.partitions}",
        f"--replication {settings.replication}",
    ]
    return " ".join(["vigil topics apply", *filter(None, options)])


def _write_probe(folder: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=".probe-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as probe:
            probe.write(b"\0" * PROBE_BYTES)
            probe.flush()
            os.fsync(probe.fileno())
    finally:
        with suppress(OSError):
            Path(name).unlink()
