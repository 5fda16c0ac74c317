"""Begins a shadow where the workers beside it are: `python -m agents.seeding`, before the shadow's first worker.

Their last checkpoint is copied: each patient's state to the shadow's changelog, and how far it reaches as the shadow's
committed offsets. So a shadow knows limits, profiles, wards and open alarms from its first record on. Alarms are named
by a hash of their rule's id: those of rules that both sets have go on.
"""

import sys
import time
from collections.abc import Iterator
from typing import Final

from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from agents.health import preflight
from streams.config.settings import Settings, load_settings
from streams.contracts.topics import READINGS
from streams.errors import BrokerUnreachable, UsageError, VigilError
from streams.kafka.admin import changelog_topic
from streams.kafka.group_questions import GroupQuestions
from streams.kafka.layout_log import laid_out
from streams.kafka.log_end import read_whole
from streams.kafka.producers import REFILING, Producer
from streams.kafka.shadows import group_beside
from tables.changelog.progress import END_KEY, NOTHING, Progress, decode_progress, packed

POLL_S: Final = 0.005
IN_FLIGHT_MAX: Final = 5_000
"""Records of state on their way."""


def seed(settings: Settings) -> dict[int, int]:
    """Copy the state of the workers beside a shadow that has judged nothing yet.

    Returns:
        The offset of the readings at which each partition's judging begins; a partition that those workers have no
        checkpoint of is left out, and begins where its readings do.

    Raises:
        UsageError: the settings are not a shadow's, or it has begun already.
        BrokerUnreachable: no broker answers.
        VigilError: the state could not be read or written.
    """
    if not settings.shadow:
        raise UsageError("shadow: only a shadow is begun in this way")
    readings, own = settings.topic(READINGS), changelog_topic(settings)
    with GroupQuestions(settings) as groups:
        done = groups.committed(settings.judging_group)
        if any(place.offset > 0 for tp, place in done.items() if tp.topic == readings):
            raise UsageError(f"shadow {settings.shadow}: it has begun already")
        ends: dict[int, Progress] = {}
        with Producer(settings, REFILING, own, IN_FLIGHT_MAX) as producer:
            for partition, key, value in _state(settings, ends):
                write(producer, partition, key, value)
            for partition, progress in ends.items():
                write(producer, partition, END_KEY.encode(), packed(progress._replace(whole_from=0)))
            settle(producer)
        begins = {partition: progress.processed + 1 for partition, progress in ends.items()}
        places = {TopicPartition(readings, p): OffsetAndMetadata(at, "", -1) for p, at in begins.items()}
        if places:
            groups.commit(settings.judging_group, places)
    return begins


def _state(settings: Settings, ends: dict[int, Progress]) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Yield (partition, patient, record) of the workers' changelog, and note how far each partition's state reaches."""
    beside = settings.model_copy(update={"group": group_beside(settings), "shadow": ""})
    end_key = END_KEY.encode()
    for record in read_whole(settings, changelog_topic(beside)):
        if record.key != end_key:
            yield record.partition, record.key, record.value
        elif record.value is not None:
            reached = decode_progress(record.value)
            ends[record.partition] = max(reached, ends.get(record.partition, NOTHING))


def write(producer: Producer, partition: int, key: bytes, value: bytes | None) -> None:
    """Hand over a record of state, and wait while too many are on their way.

    Raises:
        BrokerUnreachable: it cannot be handed over within its delivery time.
    """
    until_s = time.monotonic() + REFILING.delivery_s
    while producer.send(key, value, partition) is None:
        settle(producer)
        if time.monotonic() > until_s:
            raise BrokerUnreachable(
                "a patient's state was not sent: the broker does not say where its topic is"
            )
        time.sleep(POLL_S)


def settle(producer: Producer) -> None:
    """Wait until the broker has all that was sent; each record settles within its delivery time.

    Raises:
        VigilError: it refused one.
    """
    while producer.in_flight:
        time.sleep(POLL_S)
    if producer.failed:
        raise VigilError(f"a patient's state was not written: {producer.last_error}")


def main() -> int:
    """Begin the shadow of the settings; return the exit code."""
    try:
        settings = laid_out(load_settings())
        preflight.check_broker(settings, lambda line: None)
        begins = seed(settings)
        print(" ".join(f"{partition}:{offset}" for partition, offset in sorted(begins.items())))
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
