"""Putting reference data on the topic: single facts, or an import, which deletes what it does not say any more."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.reference import Fact, Reference
from streams.contracts.topics import REFERENCE
from streams.kafka.producers import ORDERS, Producer


class Changes(NamedTuple):
    """What an import changes: keys to facts, None deletes; and how many stay as they are."""

    records: Mapping[bytes, Fact | None]
    same: int

    @property
    def written(self) -> int:
        """Facts that are new or differ."""
        return sum(fact is not None for fact in self.records.values())

    @property
    def deleted(self) -> int:
        """Facts that the import had said before and says no longer."""
        return len(self.records) - self.written


def changes_of(now: Reference, facts: Iterable[Fact], source: str) -> Changes:
    """Return what must be written so that exactly `facts` stand there of what came with this import."""
    wanted = {fact.key: fact for fact in facts}
    records: dict[bytes, Fact | None] = {
        key: fact for key, fact in wanted.items() if now.facts.get(key) != fact
    }
    gone = dict.fromkeys(sorted(now.of_source(source) - wanted.keys()))
    return Changes(records | gone, len(wanted) - len(records))


def write(settings: Settings, records: Mapping[bytes, Fact | None]) -> None:
    """Store facts, deletions last; returns when Kafka has them.

    Raises:
        BrokerUnreachable: no broker answers or takes them.
        TopicsMismatch: there is no topic for them.
        VigilError: the broker refused one.
    """
    if not records:
        return
    with Producer(settings, ORDERS, settings.topic(REFERENCE)) as producer:
        for key, fact in sorted(records.items(), key=lambda item: item[1] is None):
            send(producer, key.decode(), key, None if fact is None else fact.model_dump_json().encode(), 0)
