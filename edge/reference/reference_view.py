"""`vitals.reference` read whole, or followed in a thread of its own: whoever asks never waits for Kafka."""

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from edge.records import Skipped
from edge.topic_thread import WholeTopic
from streams.config.settings import Settings
from streams.contracts.reference import Fact, Reference, ReferenceRecord
from streams.contracts.topics import REFERENCE
from streams.kafka.log_end import read_whole


def read_fact(record: Any) -> Fact | None:
    """Return what a record says; None for one that cannot be read, or stands under another key than its own."""
    try:
        fact = ReferenceRecord.model_validate_json(record.value or b"").root
    except ValidationError:
        return None
    return fact if fact.key == record.key else None


def take(records: Any, before: Reference, skipped: Skipped) -> Reference:
    """Return the reference data after some records."""
    changes: dict[bytes, Fact | None] = {}
    for record in records:
        if record.key is not None and record.value is None:
            changes[bytes(record.key)] = None
        elif (fact := read_fact(record)) is not None:
            changes[fact.key] = fact
            skipped.read += 1
        else:
            skipped.note(record, "no ward, bed or line of the formulary")
    return before.changed(changes) if changes else before


def read_reference(settings: Settings, skipped: Skipped) -> Reference:
    """Return all that is said now; what cannot be read is noted. A topic that does not exist says nothing.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: the topic could not be read to its end.
    """
    return take(read_whole(settings, settings.topic(REFERENCE)), Reference(), skipped)


class Follower(WholeTopic):
    """Follows the topic; a context manager. `now` is replaced as a whole when something changes.

    Attributes:
        now: what is said by now; empty until the topic was read for the first time.
        skipped: records that cannot be read.
        failure: why the topic cannot be read now; empty while it can.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, REFERENCE, "reference")
        self.now = Reference()
        self.skipped = Skipped()

    def _take(self, records: Iterable[Any]) -> None:
        self.now = take(records, self.now, self.skipped)
