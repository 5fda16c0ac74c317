"""Orders of the reference data on their way to `vitals.commands`: by a program, whose answers come with the topic."""

from collections.abc import Iterable
from typing import Final

from edge.orders import signed
from edge.sending import send
from streams.commands import Order
from streams.people import ANY_WARD, Person
from streams.producers import ORDERS, Producer
from streams.security import seals_of
from streams.settings import Settings
from streams.topics import COMMANDS

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
