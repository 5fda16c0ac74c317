"""Orders of the reference data on their way to `vitals.commands`: by a program, whose answers come with the topic."""

from collections.abc import Iterable
from typing import Final

from edge.order_sending import signed
from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.command import Order
from streams.contracts.people import ANY_WARD, Person
from streams.contracts.topics import COMMANDS
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.security import seals_of

ACTOR: Final = Person(id="reference", role="system", wards=(ANY_WARD,), station="vigil reference run")
"""Who orders it, for the audit trail; the reason names the ward."""


def post(settings: Settings, orders: Iterable[Order]) -> None:
    """Store orders; returns when Kafka has them.

    Raises:
        BrokerUnreachable: no broker answers or takes them.
        TopicsMismatch: there is no topic for commands.
        VigilError: the broker refused one.
    """
    seals = seals_of(settings)
    with Producer(settings, ORDERS, settings.topic(COMMANDS)) as producer:
        for order in orders:
            value = signed(seals, order, ACTOR)
            send(producer, f"{order.kind} {order.id}", order.patient.encode(), value)
