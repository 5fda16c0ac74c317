"""A thread that reads topics without a consumer group, as long as it is wanted: brokers may go and come."""

import threading
from contextlib import closing
from typing import Any, Final

from kafka.errors import KafkaError

from streams.connect import connect_consumer
from streams.errors import VigilError
from streams.settings import Settings

AGAIN_S: Final = 1.0
"""Between two tries to reach a broker."""

END_S_MAX: Final = 5.0
"""How long the end of the thread is waited for."""


class TopicThread:
    """Gives `_follow` a consumer, and another one whenever it has failed, until it is closed.

    Args:
        settings: where the brokers are.
        name: of the thread.
        client: further options of the consumer.

    Attributes:
        failure: why nothing can be read now; empty while it can.
    """

    def __init__(self, settings: Settings, name: str, **client: Any) -> None:
        self._settings, self._client = settings, client
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.failure = ""

    def close(self) -> None:
        """End the thread, if it was begun."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_S_MAX)

    def _run(self) -> None:
        options = {"allow_auto_create_topics": False, **self._client}
        while not self._stop.is_set():
            try:
                with closing(connect_consumer(self._settings, **options)) as consumer:
                    self._follow(consumer)
            except (
                Exception
            ) as error:  # kafka-python raises others than its own, too; all the same, try again
                known = isinstance(error, KafkaError | VigilError)
                self.failure = str(error) if known else type(error).__name__
                self._stop.wait(AGAIN_S)

    def _follow(self, consumer: Any) -> None:
        """Read until `_stop` is set, and clear `failure` when it succeeds."""
        raise NotImplementedError
