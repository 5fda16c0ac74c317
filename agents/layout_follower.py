"""Follows how the readings lie: a worker judges the generation in force, and ends in order when another will be.

`vitals.layout` is read in a thread; the worker ends in its event loop, and begins again: it then
waits until workers are let in (`await_turn`). Who waits longer than `DRAINED_S_MAX` takes it that whoever splits the
state is no more, and lets all go on as before: of the two that say so at the same moment the first counts
(`streams.kafka.layout_log`), so no state is split while it is judged.
"""

import logging
import time
from collections.abc import Callable
from typing import Final

from kafka.errors import KafkaError

from streams.config.settings import Settings
from streams.contracts.layout import Layout, Step
from streams.contracts.topics import LAYOUT
from streams.errors import StepLost
from streams.kafka.followed import followed
from streams.kafka.followed_layout import FollowedLayout
from streams.kafka.layout_log import in_generation, newest, own_layout, seals_if_known, take

LOOK_S: Final = 0.2
WAIT_S: Final = 0.1
DRAINED_S_MAX: Final = 30.0
"""How long a worker waits to be let in: patients are unwatched meanwhile."""

logger = logging.getLogger(__name__)


def await_turn(settings: Settings, say: Callable[[str], None]) -> tuple[Settings, Layout]:
    """Wait until workers may judge; return the settings of the generation that is judged, and how the readings lie.

    Raises:
        BrokerUnreachable: no broker answers.
        UsageError: another group's workers judge these readings.
    """
    since_s = time.monotonic()
    layout = own_layout(settings)
    while not layout.is_let_in:
        if time.monotonic() - since_s <= DRAINED_S_MAX:
            layout = _news(settings, layout, since_s + DRAINED_S_MAX)
            continue
        say(f"nobody has split the state within {DRAINED_S_MAX:g} s: judging on as before")
        try:
            layout = take(settings, layout, Step.LET_ON)
        except StepLost:
            layout = own_layout(settings)
    return in_generation(settings, layout.judged), layout


def _news(settings: Settings, layout: Layout, until_s: float) -> Layout:
    """Wait for another layout, at most until a monotonic time: without work, for others have much of it meanwhile."""
    seals, known = seals_if_known(settings), layout

    def is_over() -> bool:
        return known != layout or time.monotonic() > until_s

    try:
        for found in followed(settings, settings.topic(LAYOUT), is_over):
            known = newest(found, seals, known) or known
    except KafkaError:
        time.sleep(WAIT_S)
        return own_layout(settings)  # or what is wrong
    return known


class LayoutFollower:
    """Learns that the worker is to end, or is of another generation, and ends it.

    Args:
        settings: the worker's, of its generation.
        layout: how the readings lay as it began.
        end: ends the worker in order; called in its event loop.
        settled: called when there is one generation alone: nothing is forwarded any more.
    """

    def __init__(
        self,
        settings: Settings,
        layout: Layout,
        end: Callable[[], None],
        settled: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._followed = FollowedLayout(settings, layout)
        self._end = end
        self._settled = settled
        self.is_due = False
        """The worker ends to begin again."""

    async def look(self) -> None:
        """Called every `LOOK_S`: end when it is time to."""
        layout = self._followed.layout
        if not layout.hops:
            self._settled()
        if self.is_due or self.fits(layout):
            return
        self.is_due = True
        self._followed.end()
        logger.warning("the readings are being given more partitions: %s", layout.phase)
        self._end()

    def fits(self, layout: Layout) -> bool:
        """Return whether this worker may judge while the readings lie so."""
        return layout.is_let_in and layout.judged.number == self._settings.generation

    def start(self) -> None:
        """Begin to follow, in a thread that ends with the process."""
        self._followed.start()
