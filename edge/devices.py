"""Who is on which device, for the command line: what the topic says now, and one more report in it."""

from kafka.errors import KafkaError, KafkaTimeoutError

from edge.gateway.associations import Facts
from edge.gateway.following import read
from edge.orders import SEND_S_MAX
from edge.records import Skipped
from streams.associations import Fact
from streams.errors import BrokerUnreachable, VigilError
from streams.log_end import read_whole
from streams.producers import ORDERS, Producer
from streams.settings import Settings
from streams.topics import ASSOCIATIONS


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
            sent = producer.send(fact.key, fact.model_dump_json().encode(), 0)
            if sent is None:
                raise BrokerUnreachable("the report was not sent: the broker does not say where its topic is")
            try:
                sent.get(timeout=SEND_S_MAX)
            except KafkaTimeoutError:
                raise BrokerUnreachable(
                    f"the report was not acknowledged within {SEND_S_MAX:g} s; it may still take effect"
                ) from None
            except KafkaError as error:
                raise VigilError(f"the report was refused by the broker: {error}") from None
