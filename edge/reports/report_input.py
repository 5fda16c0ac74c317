"""What a report is made of: alerts, orders and answers of a time from topics and history, wards of now."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from edge.order_sending import read_board
from edge.records import Skipped, read_record
from edge.reference.reference_view import read_reference
from edge.reports.episodes import Episode, episodes_of
from edge.reports.sources import Sources
from edge.reports.stays import Said, Stays, accepted, pauses
from edge.reports.topic_reader import TopicReader
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.contracts.command import Answer, Order, Pause, said_in
from streams.contracts.patient_state import Patient
from streams.contracts.reference import Reference
from streams.contracts.topics import ALERTS, COMMANDS, PATIENTS
from streams.errors import UsageError
from streams.kafka.connect import connect_consumer

LATE_MS: Final = 60_000
"""Answers are read so much beyond the time: an order at its end is answered within seconds."""


@dataclass(frozen=True, slots=True)
class Source:
    """Everything of a time."""

    episodes: list[Episode]
    stays: Stays
    pauses: list[tuple[str, Pause]]
    reference: Reference
    sources: tuple[Sources, ...]
    """Where alerts and orders are from."""


def read_source(settings: Settings, from_ms: int, until_ms: int, now_ms: int, skipped: Skipped) -> Source:
    """Read a time, ms, by when the broker took the records; `now_ms` is the present, ms.

    Raises:
        BrokerUnreachable: no broker answers.
        UsageError: there are more alarms in it than a report takes.
        VigilError: a topic or the history could not be read within its bound.
    """
    told, ordered = Sources("alerts"), Sources("orders and answers")
    with closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
        reader = TopicReader(settings, consumer, now_ms)
        alerts = reader.between(ALERTS, from_ms, until_ms, told)
        try:
            episodes = list(
                episodes_of(
                    alert for one in alerts if (alert := read_record(Alert, one, skipped)) is not None
                )
            )
        except OverflowError as error:
            raise UsageError(f"more than {error} alarms: ask for a shorter time") from None
        records = reader.between(COMMANDS, from_ms, until_ms + LATE_MS, ordered)
        said = _accepted(records, skipped)
    wards = {one.patient: one.ward for one in read_board(settings, PATIENTS, Patient, skipped)}
    reference = read_reference(settings, skipped)
    return Source(episodes, Stays(said, wards), pauses(said), reference, (told, ordered))


def _accepted(records: Iterator[Any], skipped: Skipped) -> list[Said]:
    """Return the orders that were accepted; notes of the topic, which are neither order nor answer, are passed over."""
    orders: list[Order] = []
    answers: list[Answer] = []
    for record in records:
        found = said_in(record.value)
        if isinstance(found, Answer):
            answers.append(found)
        elif found is not None:
            orders.append(found.order.root)
        skipped.read += found is not None
    return accepted(orders, answers)
