"""What is asked of a consumer group's coordinator, which may be away for some seconds.

So it is while its node starts again or another takes over, and on a cluster on which no group has committed yet.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

from kafka import TopicPartition
from kafka.errors import KafkaError, for_code

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.connect import connect_admin

COORDINATOR_S_MAX: Final = 10.0
AGAIN_S: Final = 0.1

T = TypeVar("T")


class GroupQuestions:
    """Asks, each question again until there is an answer or `COORDINATOR_S_MAX` are over; a context manager.

    A client of kafka-python 3.0.12 never forgets who a group's coordinator is, so another try has another client.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: Any = None

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            BrokerUnreachable: no broker answers.
        """
        self._admin = connect_admin(self._settings)
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    def committed(self, group: str) -> dict[TopicPartition, Any]:
        """Return what a group has committed: offset and metadata of each partition.

        Raises:
            BrokerUnreachable: nobody said so in time.
        """
        found: dict[TopicPartition, Any] = self._answered(
            group, lambda admin: admin.list_group_offsets(group).get(group, {})
        )
        return found

    def commit(self, group: str, places: Mapping[TopicPartition, Any]) -> None:
        """Commit offsets of a group without members, and see that each was taken.

        Raises:
            BrokerUnreachable: nobody took them in time.
            VigilError: one was refused.
        """

        def ask(admin: Any) -> set[type[KafkaError]]:
            answer = admin.alter_group_offsets(group, dict(places))
            refused = {for_code(getattr(error, "errno", 0)) for error in answer.values()} - {for_code(0)}
            if away := [error for error in refused if error.retriable]:
                raise away[0]
            return refused

        if refused := self._answered(group, ask):
            names = ", ".join(sorted(error.__name__ for error in refused))
            raise VigilError(f"offsets of {group} were not set: {names}")

    def count_members(self, groups: Sequence[str]) -> int:
        """Return how many members groups have together.

        Raises:
            BrokerUnreachable: nobody said so in time.
        """
        found = self._answered(", ".join(groups), lambda admin: admin.describe_groups(list(groups)))
        return sum(len(each["members"]) for each in found.values())

    def _answered(self, group: str, ask: Callable[[Any], T]) -> T:
        """Ask until there is an answer; what another try does not mend is told at once."""
        until_s = time.monotonic() + COORDINATOR_S_MAX
        while True:
            try:
                return ask(self._admin)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > until_s:
                    raise BrokerUnreachable(f"group {group} could not be asked about: {error!r}") from None
            time.sleep(AGAIN_S)
            self._admin.close()
            self._admin = connect_admin(self._settings)
