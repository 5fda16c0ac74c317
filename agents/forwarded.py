"""Whether what was written to generations before has come through: no tick may overtake it.

A tick says that time has passed, and whose frames have not come by then is silent. Frames that wait to be forwarded
have come: a tick before them would raise alarms of silence that no device is to blame for.
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final

from kafka import TopicPartition

from streams.config.settings import Settings
from streams.contracts.layout import Layout
from streams.contracts.topics import READINGS
from streams.kafka.connect import connect_admin, connect_consumer
from streams.kafka.hop_ends import forwarding_group
from streams.kafka.layout_log import in_generation

LOOK_S: Final = 0.5
"""Between two looks: so old may be what has to have come through."""

ANSWER_S_MAX: Final = 5.0
AGAIN_S: Final = 1.0

logger = logging.getLogger(__name__)


class Forwarded:
    """Looks in a thread of its own, that ends with the process.

    Args:
        settings: the worker's, of the generation that is judged.
        layout: as this worker found it.
    """

    def __init__(self, settings: Settings, layout: Layout) -> None:
        self._settings = settings
        hops = [in_generation(settings, before) for before, _ in layout.hops]
        self._counts = {of.topic(READINGS): of.reading_partitions for of in hops}
        self._tps = [TopicPartition(topic, p) for topic, count in self._counts.items() for p in range(count)]
        self._through: frozenset[TopicPartition] = frozenset()
        self._ended = not hops

    def start(self) -> None:
        """Begin, if there is anything to look at."""
        if not self._ended:
            threading.Thread(target=self._run, name="vigil-forwarded", daemon=True).start()

    def end(self) -> None:
        """Look no more: there is one generation alone."""
        self._ended = True

    def allows(self, partition: int) -> bool:
        """Return whether a tick may be written into a partition of the readings."""
        return self._ended or all(
            TopicPartition(topic, partition % count) in self._through for topic, count in self._counts.items()
        )

    def _run(self) -> None:
        pause = threading.Event()
        while not self._ended:
            try:
                self._look_on(pause)
            except Exception as error:  # the brokers are away: no tick could be written either
                logger.warning("it cannot be seen what has been forwarded at the moment: %r", error)
                pause.wait(AGAIN_S)

    def _look_on(self, pause: threading.Event) -> None:
        before: Mapping[TopicPartition, int] = {}
        group = forwarding_group(self._settings)
        with (
            closing(connect_admin(self._settings, ANSWER_S_MAX)) as admin,
            closing(connect_consumer(self._settings, ANSWER_S_MAX)) as consumer,
        ):
            while not self._ended:
                ends = consumer.end_offsets(self._tps, timeout_ms=round(ANSWER_S_MAX * 1000))
                self._through = through(before, admin.list_group_offsets({group: self._tps})[group])
                before = ends
                pause.wait(LOOK_S)


def through(
    before: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, Any]
) -> frozenset[TopicPartition]:
    """Return the partitions of which all that was there at the look before has been forwarded."""
    return frozenset(tp for tp, end in before.items() if tp in committed and committed[tp].offset >= end)
