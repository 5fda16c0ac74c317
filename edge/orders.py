"""Sending a command and waiting for its answer, and reading what boards are shown, without a consumer group."""

import time
import uuid
from contextlib import closing
from typing import Any, Final, TypeVar

from kafka import TopicPartition
from kafka.errors import KafkaError
from pydantic import BaseModel, ValidationError

from streams.alerts import WARD
from streams.commands import Answer, Command, Order
from streams.connect import connect_consumer, connect_producer
from streams.errors import BadData, BrokerUnreachable, TopicsMismatch, UsageError, VigilError
from streams.log_end import ends_of, read_whole
from streams.settings import Settings
from streams.topics import COMMANDS

SEND_S_MAX: Final = 10.0
ELSEWHERE_S: Final = 2.0
"""How long an answer is waited for of another partition that may know the patient: each judges every second."""

POLL_MS: Final = 100

Model = TypeVar("Model", bound=BaseModel)


def make_order(kind: str, **said: object) -> Order:
    """Return a command of a kind, with an id of its own and the time of now; None counts as not said.

    Raises:
        UsageError: one line that names what is wrong.
    """
    value = {"kind": kind, "id": uuid.uuid4().hex, "issued_ts_ms": int(time.time() * 1000)}
    try:
        return Command.model_validate(value | {k: v for k, v in said.items() if v is not None}).root
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]) if first["loc"] else kind
        raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def send_order(settings: Settings, order: Order, wait_s: float) -> Answer:
    """Send a command and return its answer: the first that accepts it for who is monitored there.

    The partition where the patient belongs always answers, and others where frames of that name are judged. So what
    only one accepts that knows no frames yet, or none, is waited with for the others a moment longer. A ward's answer
    comes once.

    Raises:
        BrokerUnreachable: no broker answers or takes the command.
        TopicsMismatch: there is no topic for commands.
        VigilError: no answer came in time; the command takes effect when a worker judges its partition.
    """
    topic = settings.topic(COMMANDS)
    with closing(connect_consumer(settings, allow_auto_create_topics=False)) as consumer:
        tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        if not tps:
            raise TopicsMismatch(f"no topic {topic} at {settings.brokers}: run vigil topics apply")
        ends = ends_of(consumer, tps)
        consumer.assign(tps)
        for tp in tps:
            consumer.seek(tp, ends[tp])
        with closing(connect_producer(settings)) as producer:
            try:
                value = order.model_dump_json(exclude_none=True).encode()
                producer.send(topic, value=value, key=order.patient.encode()).get(timeout=SEND_S_MAX)
            except KafkaError as error:
                raise BrokerUnreachable(f"the command was not taken: {error}") from None
        best: Answer | None = None
        missing, until_s = {tp.partition for tp in tps}, time.monotonic() + wait_s
        while missing and time.monotonic() < until_s:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    if (answer := _answer(record.value)) is None or answer.id != order.id:
                        continue
                    if order.patient.startswith(WARD) or _rank(answer) == BEST:
                        return answer
                    missing.discard(record.partition)
                    until_s = min(until_s, time.monotonic() + ELSEWHERE_S)
                    best = answer if best is None else max(best, answer, key=_rank)
    if best is not None:
        return best
    raise VigilError(
        f"no answer within {wait_s:g} s; {order.kind} {order.id} takes effect when a worker judges {order.patient}"
    )


BEST: Final = 3


def _rank(answer: Answer) -> int:
    """Return how much an answer says: one of where the patient is monitored more than one of where they are not."""
    return 2 * answer.monitored + (answer.outcome == "accepted")


def _answer(value: bytes | None) -> Answer | None:
    try:
        return Answer.model_validate_json(value or b"")
    except ValidationError:
        return None


def read_board(settings: Settings, topic: str, model: type[Model]) -> list[Model]:
    """Return the newest record of each key of a compacted topic, by key.

    Raises:
        BrokerUnreachable: no broker answers.
        BadData: a record is not what the topic should hold.
    """
    newest: dict[str, Any] = {}
    for record in read_whole(settings, settings.topic(topic)):
        newest[record.key.decode(errors="replace")] = record.value
    try:
        return [model.model_validate_json(value) for _, value in sorted(newest.items()) if value is not None]
    except ValidationError as error:
        raise BadData(f"{settings.topic(topic)}: {error.errors()[0]['msg']}") from None
