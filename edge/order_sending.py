"""Sending a command and waiting for its answer, and reading what boards are shown, without a consumer group."""

import time
import uuid
from contextlib import closing
from typing import Final, TypeVar

from kafka import TopicPartition
from pydantic import BaseModel, ValidationError

from edge.records import Skipped, read_record
from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.alert import WARD
from streams.contracts.command import Answer, Command, Commanded, Order
from streams.contracts.people import Person
from streams.contracts.seals import Seals
from streams.contracts.topics import COMMANDS
from streams.errors import TopicsMismatch, Unanswered, UsageError
from streams.kafka.connect import connect_consumer
from streams.kafka.log_end import ends_of, read_whole
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.security import seals_of

ELSEWHERE_S: Final = 2.0
"""How long an answer is waited for of another partition that may know the patient: each judges every second."""

POLL_MS: Final = 100

Model = TypeVar("Model", bound=BaseModel)


def make_order(kind: str, person: Person, **said: object) -> Order:
    """Return a command of a kind by a person, with id and time of its own unless said; None counts as not said.

    Whatever is said of an actor, it is the person.

    Raises:
        UsageError: one line that names what is wrong.
    """
    value = {"id": uuid.uuid4().hex, "issued_ts_ms": int(time.time() * 1000)}
    value |= {name: one for name, one in said.items() if one is not None}
    try:
        return Command.model_validate(value | {"kind": kind, "actor": person.id}).root
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]) if first["loc"] else kind
        raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def signed(seals: Seals, order: Order, person: Person) -> bytes:
    """Return a command as it goes to `vitals.commands`: signed together with who orders it.

    Raises:
        UsageError: the command is of another actor than the person.
    """
    try:
        content = Commanded(person=person, order=Command(order))
    except ValidationError:
        raise UsageError(f"{order.kind}: a command is by who is signed in, not by {order.actor}") from None
    return seals.sign(order.patient.encode(), content.model_dump_json(exclude_none=True).encode())


def send_order(settings: Settings, order: Order, person: Person, wait_s: float) -> Answer:
    """Sign a command, send it and return its answer: the first that accepts it for who is monitored there.

    The partition where the patient belongs always answers, and others where frames of that name are judged. So what
    only one accepts that knows no frames yet, or none, is waited with for the others a moment longer. A ward's answer
    comes once.

    Raises:
        UsageError: the command key is missing or wrong, or the command is another person's.
        BrokerUnreachable: no broker answers or takes the command.
        TopicsMismatch: there is no topic for commands.
        Unanswered: no answer came in time; the command takes effect when a worker judges its partition.
    """
    topic, value = settings.topic(COMMANDS), signed(seals_of(settings), order, person)
    with closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
        tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        if not tps:
            raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
        ends = ends_of(consumer, tps)
        consumer.assign(tps)
        for tp in tps:
            consumer.seek(tp, ends[tp])
        _send(settings, topic, order, value)
        best: Answer | None = None
        missing, until_s = {tp.partition for tp in tps}, time.monotonic() + wait_s
        while missing and time.monotonic() < until_s:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    if (answer := answer_of(record.value)) is None or answer.id != order.id:
                        continue
                    if order.patient.startswith(WARD) or rank(answer) == BEST:
                        return answer
                    missing.discard(record.partition)
                    until_s = min(until_s, time.monotonic() + ELSEWHERE_S)
                    best = answer if best is None else max(best, answer, key=rank)
    if best is not None:
        return best
    raise Unanswered(
        f"no answer within {wait_s:g} s; {order.kind} {order.id} takes effect when a worker judges {order.patient}"
    )


BEST: Final = 3


def rank(answer: Answer) -> int:
    """Return how much an answer says: one of where the patient is monitored more than one of where they are not."""
    return 2 * answer.monitored + (answer.outcome == "accepted")


def _send(settings: Settings, topic: str, order: Order, value: bytes) -> None:
    with Producer(settings, ORDERS, topic) as producer:
        send(producer, f"{order.kind} {order.id}", order.patient.encode(), value)


def answer_of(value: bytes | None) -> Answer | None:
    """Return what a record of `vitals.commands` answers; None for one that is no answer."""
    try:
        return Answer.model_validate_json(value or b"")
    except ValidationError:
        return None


def read_board(settings: Settings, topic: str, model: type[Model], skipped: Skipped) -> list[Model]:
    """Return the newest readable record of each key of a compacted topic; a patient may have one in two partitions.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    newest: dict[tuple[str, int], Model | None] = {}
    for record in read_whole(settings, settings.topic(topic)):
        key = (record.key or b"").decode(errors="replace")
        if record.value is None:
            newest[key, record.partition] = None
        elif (found := read_record(model, record, skipped)) is not None:
            if getattr(found, "patient", key) == key:
                newest[key, record.partition] = found
            else:
                skipped.note(record, "its key is of another patient")
    return [found for _, found in sorted(newest.items(), key=lambda item: item[0]) if found is not None]
