"""How the readings lie, as `vitals.layout` says at each moment: read in a thread, because reading waits."""

import logging
import threading
from typing import Final

from streams.config.settings import Settings
from streams.contracts.layout import Layout
from streams.contracts.topics import LAYOUT
from streams.kafka.followed import followed
from streams.kafka.layout_log import newest, seals_if_known

AGAIN_S: Final = 1.0
"""Before another attempt when the brokers do not answer."""

logger = logging.getLogger(__name__)


class FollowedLayout:
    """Follows from `start` until `end`, or as long as the process is there.

    Args:
        settings: say where the brokers are.
        layout: as it was read at the beginning.

    Attributes:
        layout: the newest that was read.
    """

    def __init__(self, settings: Settings, layout: Layout) -> None:
        self._settings = settings
        self.layout = layout
        self._over = threading.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._follow, name="vigil-layout", daemon=True).start()

    def end(self) -> None:
        """Follow no more; waits for nothing."""
        self._over.set()

    def _follow(self) -> None:
        while not self._over.is_set():
            try:
                self._read_on()
            except Exception as error:  # the brokers are away, or what another attempt may mend
                logger.warning("the layout cannot be read at the moment: %r", error)
            self._over.wait(AGAIN_S)

    def _read_on(self) -> None:
        topic, seals = self._settings.topic(LAYOUT), seals_if_known(self._settings)
        for found in followed(self._settings, topic, self._over.is_set):
            self.layout = newest(found, seals, self.layout) or self.layout
