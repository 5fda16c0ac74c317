"""Splits the state of workers for readings of more partitions: `python -m agents.splitting`, between two phases.

The workers of the generation before have handed over and ended, and what they left is read: each changelog partition is
split by itself (`tables.changelog.partition_split`) into the changelog of the next generation, whose group begins at
the first reading, and at the same commands and counts of wards as they. Their committed offsets of the readings are
where forwarding begins; beside them stands for which layout the state was split, so that it is done once. All of it may
be done again, from any point: the same is written.

Each line of standard input is a question, each answer one line of JSON: `read` reads what is there, so that less is
left to read once workers wait; `look` tells whether the patients can be split; `split` does it.
"""

import json
import re
import sys
import time
from collections.abc import Mapping
from typing import Any, Final, Self

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from agents.seeding import IN_FLIGHT_MAX, settle, write
from streams.config.settings import Settings, load_settings
from streams.contracts.layout import Layout, Step
from streams.contracts.topics import COMMANDS, READINGS, WARDS
from streams.errors import NotWhole, UsageError, VigilError
from streams.kafka.admin import changelog_topic
from streams.kafka.group_questions import GroupQuestions
from streams.kafka.hop_ends import forwarding_group
from streams.kafka.layout_log import in_generation, own_layout
from streams.kafka.log_end import Reading
from streams.kafka.producers import REFILING, Producer
from tables.changelog.partition_split import Whole, split, strangers


class Splitting:
    """Knows what the changelog says, as far as it was read; a context manager.

    Args:
        settings: of the workers, of any generation.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reading: Reading | None = None
        self._old = settings
        self._parts: dict[int, Whole] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.close()

    def read(self) -> int:
        """Read what there is, unless it was split already; return how many patients were found."""
        layout = own_layout(self._settings)
        if layout.allows(Step.MOVE) and (done := self._split_before(layout)) is not None:
            return done
        self._read_on(layout)
        return sum(len(whole.state) for whole in self._parts.values())

    def look(self) -> int:
        """Return how many patients there are, all of whom can be split.

        Raises:
            UsageError: a patient's partition is not where the hash says.
        """
        self._read_on(own_layout(self._settings))
        return _see(self._parts, self._old)

    def split(self) -> int:
        """Split the state that is judged for the generation that is made; return how many patients there are.

        Raises:
            UsageError: the workers are not asked to end, or a patient's partition is not where the hash says.
            NotWhole: they left no whole state.
            BrokerUnreachable: no broker answers.
            VigilError: it could not be read or written.
        """
        layout = own_layout(self._settings)
        if not layout.allows(Step.MOVE):
            raise UsageError(f"scale: nothing is split while it is {layout.phase}")
        if (done := self._split_before(layout)) is not None:
            return done
        old, new = self._generations(layout)
        self._read_on(layout)
        with GroupQuestions(old) as groups:
            places = groups.committed(old.judging_group)
            begins = {
                number: max(0, place.offset) for number, place in _of(places, old.topic(READINGS)).items()
            }
            for number, whole in self._parts.items():
                if why := whole.missing(begins.get(number, 0)):
                    raise NotWhole(f"partition {number}: {why}")
            patients = _see(self._parts, old)
            _write(self._parts, old, new)
            beside = {
                TopicPartition(old.topic(name), number): place
                for name in (COMMANDS, WARDS)
                for number, place in _of(places, old.topic(name)).items()
            }
            first = {
                TopicPartition(new.topic(READINGS), number): _at(0)
                for number in range(new.reading_partitions)
            }
            groups.commit(new.judging_group, beside | first)
            cuts = {
                TopicPartition(old.topic(READINGS), number): _at(
                    begins.get(number, 0), _mark(layout, patients)
                )
                for number in range(old.reading_partitions)
            }
            groups.commit(forwarding_group(old), cuts)
        return patients

    def _generations(self, layout: Layout) -> tuple[Settings, Settings]:
        """Return settings of the generation whose state is split, and of the one that is made."""
        judged, made = layout.judged, layout.generations[-1]
        return in_generation(self._settings, judged), in_generation(self._settings, made)

    def _split_before(self, layout: Layout) -> int | None:
        """Return how many patients were split for just this layout; None = it has not been done to its end."""
        old, _ = self._generations(layout)
        with GroupQuestions(old) as groups:
            cuts = _of(groups.committed(forwarding_group(old)), old.topic(READINGS))
        found = [_MARK.fullmatch(place.metadata or "") for place in cuts.values()]
        if len(found) < old.reading_partitions or not all(m and int(m[1]) == layout.number for m in found):
            return None
        return max(int(m[2]) for m in found if m)

    def _read_on(self, layout: Layout) -> None:
        """Read what has come since the last time."""
        old, _ = self._generations(layout)
        if self._reading is None or old != self._old:
            if self._reading is not None:
                self._reading.close()
            self._reading, self._old = Reading(old, changelog_topic(old)), old
            self._parts = {number: Whole() for number in range(old.reading_partitions)}
        for record in self._reading.read_on():
            try:
                self._parts[record.partition].take(record.key.decode(), record.value)
            except ValueError as error:
                raise VigilError(
                    f"changelog partition {record.partition}, offset {record.offset}: {error}"
                ) from None


def _write(parts: Mapping[int, Whole], old: Settings, new: Settings) -> None:
    """Write the state into the changelog of the next generation."""
    with Producer(old, REFILING, changelog_topic(new), IN_FLIGHT_MAX) as producer:
        for number, whole in parts.items():
            for home, key, value in split(whole, number, old.reading_partitions, new.reading_partitions):
                write(producer, home, key, value)
        settle(producer)


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


def _of(places: Mapping[Any, Any], topic: str) -> dict[int, Any]:
    return {tp.partition: place for tp, place in places.items() if tp.topic == topic and place.offset >= 0}


def _at(offset: int, mark: str = "") -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, mark, -1)


def _mark(layout: Layout, patients: int) -> str:
    """Return what stands beside the cuts once all is written: of which record of the layout, how many patients."""
    return f"split for layout {layout.number}: {patients} patients"


_MARK: Final = re.compile(r"split for layout (\d+): (\d+) patients")


def answer(splitting: Splitting, question: str) -> dict[str, Any]:
    """Return the answer to one question, which is a value or an error as it is told to people."""
    ways = {"read": splitting.read, "look": splitting.look, "split": splitting.split}
    began_s = time.monotonic()
    try:
        if question not in ways:
            raise UsageError(f"{question!r} is no question of {', '.join(ways)}")
        found: dict[str, Any] = {"patients": ways[question]()}
    except VigilError as error:
        found = {"error": str(error), "exit_code": error.exit_code}
    return {"question": question, "took_s": time.monotonic() - began_s} | found


def main() -> int:
    """Answer questions until there are no more; return the exit code."""
    try:
        settings = load_settings()
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    with Splitting(settings) as splitting:
        for line in sys.stdin:
            print(json.dumps(answer(splitting, line.strip())), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
