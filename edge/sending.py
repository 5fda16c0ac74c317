"""Sends what somebody at the command line waits for, and says in one line what became of it."""

from typing import Final

from kafka.errors import KafkaError, KafkaTimeoutError

from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.producers import ORDERS, Producer

SEND_S_MAX: Final = ORDERS.delivery_s + 1.0
"""For an acknowledgement: before that the producer says what became of a record."""


def send(
    producer: Producer, what: str, key: bytes, value: bytes | None, partition: int | None = None
) -> None:
    """Store a record; returns when Kafka has it. `what` names it in errors.

    Raises:
        BrokerUnreachable: it was not sent, or not acknowledged within `SEND_S_MAX`.
        VigilError: the broker refused it.
    """
    sent = producer.send(key, value, partition)
    if sent is None:
        raise BrokerUnreachable(f"{what} was not sent: the broker does not say where its topic is")
    try:
        sent.get(timeout=SEND_S_MAX)
    except KafkaTimeoutError:
        raise BrokerUnreachable(
            f"{what} was not acknowledged within {SEND_S_MAX:g} s; it may still take effect: "
            "look before saying it again"
        ) from None
    except KafkaError as error:
        raise VigilError(f"{what} was refused by the broker: {error}") from None
