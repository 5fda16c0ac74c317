"""Putting rules in force: the mark in each partition behind the decision, and waiting until all have come past it."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from kafka import TopicPartition

from edge.sending import send
from streams.config.settings import Settings
from streams.contracts.rules_marks import MARK_KEY
from streams.contracts.topics import READINGS
from streams.errors import TopicsMismatch, VigilError
from streams.kafka.connect import connect_admin
from streams.kafka.layout_log import laid_out
from streams.kafka.log_end import log_ends
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.rules_log import Decided, sealed_mark
from streams.kafka.security import seals_of

POLL_S: Final = 0.5


def mark_all(settings: Settings, said: Decided) -> dict[TopicPartition, int]:
    """Write the mark of a decision into every partition of the readings; return the offset after each.

    Raises:
        BrokerUnreachable: no broker answers or takes it.
        TopicsMismatch: there are no readings.
    """
    settings = laid_out(settings)
    topic, value = settings.topic(READINGS), sealed_mark(said.rules, seals_of(settings))
    partitions = sorted(log_ends(settings, topic))
    if not partitions:
        raise TopicsMismatch(f"no topic {topic}: run vigil topics apply")
    with Producer(settings, ORDERS, topic) as producer:
        for tp in partitions:
            send(producer, f"the mark of decision {said.rules.number}", MARK_KEY, value, tp.partition)
    return log_ends(settings, topic)


def put_in_force(settings: Settings, said: Decided, wait_s: float, say: Callable[[str], None]) -> None:
    """Mark the readings, and wait until the group has judged past the marks: by the new rules, then.

    Raises:
        BrokerUnreachable: no broker answers or takes a mark; workers change over all the same, each at its own place.
        VigilError: not all partitions came past it in time.
    """
    settings = laid_out(settings)
    ends = mark_all(settings, said)
    until_s = time.monotonic() + wait_s
    with closing(connect_admin(settings)) as admin:
        while True:
            committed = admin.list_group_offsets(settings.judging_group).get(settings.judging_group, {})
            behind = [tp.partition for tp, end in ends.items() if _at(committed, tp) < end]
            if not behind:
                say(f"decision {said.rules.number}: in force in all {len(ends)} partitions")
                return
            if time.monotonic() > until_s:
                break
            time.sleep(POLL_S)
    raise VigilError(
        f"decision {said.rules.number} holds, but after {wait_s:g} s {len(behind)} of {len(ends)} partitions are not "
        "judged up to its mark yet: look whether workers run"
    )


def _at(committed: dict[TopicPartition, object], tp: TopicPartition) -> int:
    place = committed.get(tp)
    return -1 if place is None else int(place.offset)  # type: ignore[attr-defined]
