"""What Faust pauses is paused in the Kafka client too: it fetches nothing that nobody takes.

Faust pauses a partition, as that of a changelog once its state is recovered, by not taking its records: the client
does not know of it. It fetches some, and until they are taken it holds back the next fetch from the same node, for
100 ms at most. In these no reading came and no alert was told: once for each changelog partition after every
assignment, when its first checkpoint was written; and once for the changelog, while readings waited for the recovery.
What this relies on in aiokafka 0.14.0 and faust-streaming 0.15.3 is held by tests/streams/test_client_pauses.py and
tests/kafka/test_kafka_fetching.py.
"""

from collections.abc import Set
from typing import Any


class ClientPauses:
    """Keeps a client's paused partitions in line with Faust's."""

    def __init__(self) -> None:
        self._known: tuple[Any, Set[Any]] = None, frozenset()

    def follow(self, consumer: Any, paused: Set[Any]) -> None:
        """Pause these partitions of an aiokafka consumer and no others; what it has fetched of them comes later."""
        subscription = consumer._subscription.subscription
        assignment = subscription and subscription.assignment
        if assignment is None or (assignment is self._known[0] and paused == self._known[1]):
            return
        self._known = assignment, frozenset(paused)
        fetcher = consumer._fetcher
        for tp in assignment.tps:
            if tp in paused:
                consumer.pause(tp)
                fetcher._records.pop(tp, None)
            else:
                consumer.resume(tp)
        fetcher._notify(fetcher._wait_consume_future)

    def pause(self, consumer: Any, tp: Any) -> None:
        """Pause one more at once, until the next `follow`."""
        assignment, paused = self._known
        self._known = assignment, frozenset({*paused, tp})
        consumer.pause(tp)
