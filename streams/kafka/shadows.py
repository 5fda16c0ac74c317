"""Shadows: workers that judge the same log under rules that are tried, and may write what they would have told only.

A shadow is a group of its own beside the workers whose alerts count, with a changelog of its own. What it may write is
said here, once, and kept by the publisher that all of a worker's records go through: its alerts go to
`vitals.shadow-alerts` under a header that names it, its state to its changelog, and everything else nowhere.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, SHADOW_ALERTS
from streams.kafka.admin import changelog_topic
from streams.kafka.publisher import BatchSender, Publisher, Sender

SHADOW_HEADER: Final = "shadow"
"""Header of a record of `vitals.shadow-alerts`: the name of the rules that it was told under."""

_BETWEEN: Final = "-shadow-"


def shadow_settings(settings: Settings, name: str) -> Settings:
    """Return the settings of a shadow beside the workers of these, under rules of this name."""
    return settings.model_copy(update={"group": f"{settings.group}{_BETWEEN}{name}", "shadow": name})


def group_beside(settings: Settings) -> str:
    """Return the group of the workers whose alerts count: a shadow's is named after it."""
    return settings.group.removesuffix(f"{_BETWEEN}{settings.shadow}") if settings.shadow else settings.group


def outlets(settings: Settings) -> dict[str, str]:
    """Return where a shadow's records go, by the topic that a worker whose alerts count writes them to."""
    changelog = changelog_topic(settings)
    return {changelog: changelog, settings.topic(ALERTS): settings.topic(SHADOW_ALERTS)}


class ShadowPublisher(Publisher):
    """Sends what a shadow may write, and lets the rest fall.

    Args:
        send: hands a record to the producer.
        send_batch: hands many records of one partition to the producer.
        timeout_s: how long `settled` waits for arrivals.
        to: the topic that a record goes to, by the topic that it was meant for; of others none is sent.
        name: of the rules that are tried.
    """

    def __init__(
        self, send: Sender, send_batch: BatchSender, timeout_s: float, to: Mapping[str, str], name: str
    ) -> None:
        super().__init__(send, send_batch, timeout_s)
        self._to = dict(to)
        self._header = (SHADOW_HEADER, name.encode())

    async def publish(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        *,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        """Send a record under the shadow's name; one that it may not write counts as arrived."""
        if (to := self._to.get(topic)) is None:
            return _done(None)
        return await super().publish(to, key, value, partition=partition, headers=(*headers, self._header))

    async def publish_batch(
        self, topic: str, partition: int, records: Sequence[tuple[bytes, bytes | None]]
    ) -> asyncio.Future[int]:
        """Send records of the shadow's state; others count as arrived."""
        if (to := self._to.get(topic)) is None:
            return _done(-1)
        return await super().publish_batch(to, partition, records)


def _done(result: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    future.set_result(result)
    return future
