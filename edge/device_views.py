"""Who is on which device, for the command line: what the topic says now, and one more report in it."""

from edge.gateway.association_view import read
from edge.gateway.associations import Facts
from edge.records import Skipped
from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.association import Fact
from streams.contracts.topics import ASSOCIATIONS
from streams.kafka.log_end import read_whole
from streams.kafka.producers import ORDERS, Producer


def read_facts(settings: Settings, skipped: Skipped) -> Facts:
    """Return all that was told so far; what cannot be read is noted.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: the topic could not be read to its end.
    """
    facts = Facts(round(settings.gateway_adt_silence_s * 1000))
    for record in read_whole(settings, settings.topic(ASSOCIATIONS)):
        known = read(record)
        if known is None:
            skipped.note(record, "no report of an association, a place or a movement")
            continue
        skipped.read += 1
        facts.apply(known.key, known.fact, known.append_ms)
    return facts


def send_facts(settings: Settings, facts: list[Fact]) -> None:
    """Store reports; returns when Kafka has them.

    Raises:
        BrokerUnreachable: no broker answers or takes them.
        TopicsMismatch: there is no topic for them.
        VigilError: the broker refused one.
    """
    with Producer(settings, ORDERS, settings.topic(ASSOCIATIONS)) as producer:
        for fact in facts:
            send(producer, "the report", fact.key, fact.model_dump_json().encode(), 0)
