"""Frames straight to the brokers, to the generation of the readings that is written to: scaling changes which it is."""

import logging
import threading
import time
from types import TracebackType
from typing import Final, Self

from streams.config.settings import Settings
from streams.contracts.layout import Layout
from streams.contracts.topics import READINGS
from streams.kafka.followed_layout import FollowedLayout
from streams.kafka.hop_ends import are_forwarded
from streams.kafka.layout_log import laid_out, read_layout
from streams.kafka.producers import FRAMES, Producer

LOOK_S: Final = 0.5
HELD_S_MAX: Final = 2.0
"""How long frames are held for those before them to arrive, and as long for these to be forwarded."""

UNSURE_S: Final = 30.0
"""For so long what failed may arrive all the same, and would come in behind what goes another way."""

AGAIN_S: Final = 5.0
POLL_S: Final = 0.01

logger = logging.getLogger(__name__)


class MovingProducer:
    """A `Producer` whose topic follows how the readings lie; a context manager. While it changes, nothing is sent."""

    def __init__(self, settings: Settings) -> None:
        """Connect; raises as `Producer` does."""
        layout = read_layout(settings)
        self._settings = laid_out(settings, layout, writes=True)
        self._producer = Producer(self._settings, FRAMES, self._settings.topic(READINGS))
        self._before = (0, 0)
        """What was acknowledged, and failed, by producers before this one."""
        self._sending = threading.Lock()
        """Held while a frame is handed over, and by who sees to it that none is."""
        self._held_until_s = float("-inf")
        self._failed, self._unsure_s = 0, float("-inf")
        """How many had failed at the last look, and when that last rose: what failed may arrive all the same."""
        self._followed = FollowedLayout(settings, layout)
        self._ending = threading.Event()
        self._moving = threading.Thread(target=self._move_on, name="moving-producer", daemon=True)

    def __enter__(self) -> Self:
        self._followed.start()
        self._moving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._followed.end()
        self._moving.join(HELD_S_MAX)
        self._producer.close()

    @property
    def acknowledged(self) -> int:
        """Records that the broker has."""
        return self._before[0] + self._producer.acknowledged

    @property
    def failed(self) -> int:
        """Records that it refused, or did not acknowledge in time."""
        return self._before[1] + self._producer.failed

    @property
    def in_flight(self) -> int:
        """Records handed over and neither acknowledged nor failed."""
        return self._producer.in_flight

    def oldest_s(self) -> float:
        """Return how long the oldest of them has been on its way, s."""
        return self._producer.oldest_s()

    def send(self, key: bytes, value: bytes) -> object | None:
        """Hand a frame over without waiting; None = not now."""
        with self._sending:
            return None if time.monotonic() < self._held_until_s else self._producer.send(key, value)

    def _move_on(self) -> None:
        while not self._ending.wait(LOOK_S):
            layout = self._followed.layout
            if layout.written.number == self._settings.generation:
                continue
            try:
                moved = self._move(layout)
            except Exception as error:  # of the brokers, mostly; who gave up here would stay behind for good
                logger.warning("not going over to other readings yet: %r", error)
                moved = False
            if not moved:
                self._ending.wait(AGAIN_S)

    def _move(self, layout: Layout) -> bool:
        settings, since = laid_out(self._settings, layout, writes=True), self._settings.generation
        is_gone = since not in {each.number for each in layout.generations}

        def are_through() -> bool:
            return is_gone or are_forwarded(settings, layout, HELD_S_MAX, since)

        if not are_through():
            return False
        following = Producer(settings, FRAMES, settings.topic(READINGS))
        try:
            self._hold(2 * HELD_S_MAX)
            if not is_gone and not self._have_arrived():
                return False
            if not are_through() or self._ending.is_set():
                return False
            return self._changed_for(following, settings)
        finally:
            self._hold(0.0)
            if self._producer is not following:
                following.close()

    def _hold(self, hold_s: float) -> None:
        with self._sending:
            self._held_until_s = time.monotonic() + hold_s

    def _changed_for(self, following: Producer, settings: Settings) -> bool:
        """Send by another producer from now on; False = it took so long that frames have gone on the old way."""
        with self._sending:
            if time.monotonic() >= self._held_until_s:
                return False
            before, self._producer, self._settings = self._producer, following, settings
            self._before = (
                self._before[0] + before.acknowledged,
                self._before[1] + before.failed + before.in_flight,
            )
        before.close()
        logger.info("frames are written to generation %d now", settings.generation)
        return True

    def _have_arrived(self) -> bool:
        """Wait until nothing is on its way; False where that takes too long, or what failed may arrive still."""
        until_s = time.monotonic() + HELD_S_MAX
        while self._producer.in_flight and not self._ending.is_set():
            if time.monotonic() > until_s:
                return False
            time.sleep(POLL_S)
        if self._producer.failed != self._failed:
            self._failed, self._unsure_s = self._producer.failed, time.monotonic()
        return time.monotonic() - self._unsure_s > UNSURE_S
