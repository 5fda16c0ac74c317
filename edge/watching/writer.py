"""Writes what a watcher has to tell, of each partition or channel one alert at a time, and never waits for it.

A record is sent again only once it has failed for good: until then it may still be under way. One that failed may
arrive all the same; it has the same id, so readers drop the second.
"""

import time
from typing import Any, Final

from edge.printing import say
from edge.watching.monitoring_losses import Losses, Lost
from streams.contracts.alert import Alert
from streams.kafka.producers import Producer

LAST_S_MAX: Final = 5.0
"""At the end: how long what is unwritten may take."""

POLL_S: Final = 0.05


class Writer:
    """Writes the alerts of `losses`, if a producer of the alerts topic is given."""

    def __init__(self, losses: Losses, producer: Producer | None) -> None:
        self._losses = losses
        self._producer = producer
        self._under_way: dict[Lost, tuple[Alert, Any]] = {}

    def turn(self) -> None:
        """Note what has arrived and send what is next; returns at once."""
        if self._producer is None:
            return
        for of, (alert, sent) in tuple(self._under_way.items()):
            if sent.is_done:
                del self._under_way[of]
                if sent.succeeded():
                    self._losses.written(of, alert)
        for of, alert in self._losses.next_alerts().items():
            if of in self._under_way:
                continue
            value = alert.model_dump_json().encode()
            partition = of if isinstance(of, int) else None  # a channel's lie where its name says
            if (sent := self._producer.send(alert.patient.encode(), value, partition)) is not None:
                self._under_way[of] = alert, sent

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        """Give what is unwritten `LAST_S_MAX`, and say what is not in the topic then."""
        if self._producer is None:
            return
        until_s = time.monotonic() + LAST_S_MAX
        self.turn()
        while (left := self._losses.unwritten) and time.monotonic() < until_s:
            time.sleep(POLL_S)
            self.turn()
        if left:
            why = f" ({self._producer.last_error})" if self._producer.last_error else ""
            say(f"vigil: alerts of lost monitoring that were not written: {left}{why}", err=True)
