"""Splits the state of workers for readings of more partitions: `python -m agents.splitting [look]`, between two phases.

The workers of the generation before have handed over and ended, and what they left is read: each changelog partition is
split by itself (`tables.changelog.partition_split`) into the changelog of the next generation, whose group begins at
the first reading, and at the same commands and counts of wards as they. Their committed offsets of the readings are
where forwarding begins. All of it may be done again, from any point: the same is written. With `look` nothing is
written, while workers judge: only whether their patients can be split is seen.
"""

import sys
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from agents.seeding import IN_FLIGHT_MAX, settle, write
from agents.stragglers import forwarding_group
from streams.config.settings import Settings, load_settings
from streams.contracts.layout import Layout, Step
from streams.contracts.topics import COMMANDS, READINGS, WARDS
from streams.errors import NotWhole, UsageError, VigilError
from streams.kafka.admin import changelog_topic
from streams.kafka.connect import connect_admin
from streams.kafka.layout_log import in_generation, own_layout
from streams.kafka.log_end import read_whole
from streams.kafka.producers import REFILING, Producer
from tables.changelog.partition_split import Whole, split, strangers


def split_state(settings: Settings, layout: Layout) -> int:
    """Split the state that is judged for the generation that is made; return how many patients there are.

    Raises:
        UsageError: the workers are not asked to end, or a patient's partition is not where the hash says.
        NotWhole: they left no whole state.
        BrokerUnreachable: no broker answers.
        VigilError: it could not be read or written.
    """
    if not layout.allows(Step.MOVE):
        raise UsageError(f"scale: nothing is split while it is {layout.phase}")
    old, new = in_generation(settings, layout.judged), in_generation(settings, layout.generations[-1])
    with closing(connect_admin(settings)) as admin:
        committed = admin.list_group_offsets(old.judging_group).get(old.judging_group, {})
        begins = {
            number: max(0, place.offset) for number, place in _of(committed, old.topic(READINGS)).items()
        }
        parts = _read(old)
        for number, whole in parts.items():
            if why := whole.missing(begins.get(number, 0)):
                raise NotWhole(f"partition {number}: {why}")
        patients = _see(parts, old)
        with Producer(settings, REFILING, changelog_topic(new), IN_FLIGHT_MAX) as producer:
            for number, whole in parts.items():
                for home, key, value in split(whole, number, old.reading_partitions, new.reading_partitions):
                    write(producer, home, key, value)
            settle(producer)
        beside = {
            TopicPartition(settings.topic(name), number): place
            for name in (COMMANDS, WARDS)
            for number, place in _of(committed, settings.topic(name)).items()
        }
        first = {
            TopicPartition(new.topic(READINGS), number): _at(0) for number in range(new.reading_partitions)
        }
        _commit(admin, new.judging_group, beside | first)
        cuts = {
            TopicPartition(old.topic(READINGS), number): _at(begins.get(number, 0))
            for number in range(old.reading_partitions)
        }
        _commit(admin, forwarding_group(settings), cuts)
    return patients


def look(settings: Settings, layout: Layout) -> int:
    """Return how many patients there are, all of whom can be split.

    Raises:
        UsageError: a patient's partition is not where the hash says.
    """
    old = in_generation(settings, layout.judged)
    return _see(_read(old), old)


def _read(old: Settings) -> dict[int, Whole]:
    """Return what the changelog says, by partition."""
    parts = {number: Whole() for number in range(old.reading_partitions)}
    for record in read_whole(old, changelog_topic(old)):
        try:
            parts[record.partition].take(record.key.decode(), record.value)
        except ValueError as error:
            raise VigilError(
                f"changelog partition {record.partition}, offset {record.offset}: {error}"
            ) from None
    return parts


def _see(parts: Mapping[int, Whole], old: Settings) -> int:
    """Return how many patients there are, and see that each lies where the hash says."""
    for number, whole in parts.items():
        if found := strangers(whole.state, number, old.reading_partitions):
            raise UsageError(
                f"scale: {len(found)} patients of partition {number} were placed there by another partitioner "
                "than Kafka's murmur2, and nobody knows where their frames would go; have their senders use "
                "partitioner=murmur2_random, and wait until they are forgotten or discharge them"
            )
    return sum(len(whole.state) for whole in parts.values())


def _of(committed: Mapping[Any, Any], topic: str) -> dict[int, Any]:
    return {tp.partition: place for tp, place in committed.items() if tp.topic == topic and place.offset >= 0}


def _at(offset: int) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, "", -1)


def _commit(admin: Any, group: str, places: Mapping[TopicPartition, Any]) -> None:
    """Commit offsets of a group without members, and see that each was taken."""
    answer = admin.alter_group_offsets(group, dict(places))
    refused = {str(error) for error in answer.values() if getattr(error, "errno", 0)}
    if refused:
        raise VigilError(f"offsets of {group} were not set: {', '.join(sorted(refused))}")


def main(arguments: list[str]) -> int:
    """Split, or only look; return the exit code and print how many patients there are."""
    try:
        settings = load_settings()
        layout = own_layout(settings)
        began_s = time.monotonic()
        found = look(settings, layout) if arguments == ["look"] else split_state(settings, layout)
        print(f"{found} patients in {time.monotonic() - began_s:.2f} s")
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
