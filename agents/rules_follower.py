"""Follows which rules are in force, and ends a worker in order when they are others: it begins again under those.

A thread reads `vitals.rules`, because reading it waits; what follows from it is done in the event loop. The worker ends
when each of its partitions has come to the mark of the new decision, and after `TURN_S_MAX` in any case: so long two
workers of a group may judge by different rules, and the time that an end in order takes.
"""

import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from agents.health.canary import with_canary
from agents.health.metrics import Metrics
from agents.judging.catalogue import alarms_of
from agents.rules_choice import Choice
from agents.rules_turn import RulesTurn
from clinical.rules import RuleSet
from streams.config.settings import Settings
from streams.contracts.seals import Seals
from streams.contracts.topics import RULES
from streams.errors import UsageError
from streams.kafka.followed import followed
from streams.kafka.rules_log import Decided, decided, rules_of, switches

LOOK_S: Final = 0.5
AGAIN_S: Final = 5.0
"""Before another attempt when the brokers do not answer."""

TURN_S_MAX: Final = 10.0
"""From learning of other rules to the end, while partitions have not come to the mark: a backlog, or no mark."""

logger = logging.getLogger(__name__)


class RulesFollower:
    """Learns of other rules and ends the worker for them.

    Args:
        settings: the worker's.
        seals: believed of decisions.
        choice: by which rules this worker judges.
        own: the rules of its settings.
        turn: told of the marks that were met.
        metrics: shows which decision holds.
        owned: this worker's partitions at the moment.
        dismiss: ends the open alarms that the new rules do not have, by their ids.
        end: ends the worker in order; called in its event loop.
        clock_s: a monotonic clock.
    """

    def __init__(
        self,
        settings: Settings,
        seals: Seals,
        choice: Choice,
        own: RuleSet,
        turn: RulesTurn,
        metrics: Metrics,
        owned: Callable[[], Iterable[int]],
        dismiss: Callable[[frozenset[str]], Awaitable[None]],
        end: Callable[[], None],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._seals = seals
        self._own = own
        self._turn = turn
        self._metrics = metrics
        self._owned = owned
        self._dismiss = dismiss
        self._end = end
        self._clock_s = clock_s
        self._known = choice.number
        self._since_s: float | None = None
        self.newer: Decided | None = None
        """The newest decision that this worker does not judge by, once it is known to be one that it can."""
        self.is_due = False
        """The worker ends to begin again."""
        metrics.rules.set(choice.number)
        metrics.rules_refused.set(1 if choice.refused else 0)

    async def look(self) -> None:
        """Called every `LOOK_S`: end when it is time to."""
        if self.is_due or (self.newer is None and not self._turn.met):
            return
        now_s = self._clock_s()
        if self._since_s is None:
            self._since_s = now_s
        has_met = self._turn.has_met(self._owned()) and self.newer is not None
        if has_met or now_s - self._since_s > TURN_S_MAX:
            self.is_due = self._turn.is_closed = True
            if self.newer is not None:
                logger.warning("decision %s: beginning again under its rules", self.newer.rules.number)
                await self._dismiss(self._alarms(self.newer))
            self._end()

    def _alarms(self, newer: Decided) -> frozenset[str]:
        rules = with_canary(rules_of(newer.rules, self._own))
        return frozenset(alarm.id for alarm in alarms_of(rules))

    def learn(self, found: Iterable[Decided]) -> None:
        """Take note of decisions about the worker's group."""
        for one in switches(list(found)):
            if one.rules.number <= self._known:
                continue
            self._known = one.rules.number
            try:
                rules_of(one.rules, self._own)
            except UsageError as error:
                logger.critical("decision %s: this version cannot judge by it: %s", self._known, error)
                self._turn.number = self._known  # judged on past its marks, rather than by nobody
                self._metrics.rules_refused.set(1)
                continue
            self.newer = one

    def start(self) -> None:
        """Begin to follow, in a thread that ends with the process."""
        threading.Thread(target=self._follow, name="vigil-rules", daemon=True).start()

    def _follow(self) -> None:
        while not self.is_due:
            try:
                self._read_on()
            except (
                Exception
            ) as error:  # the brokers are away, or something is wrong that another attempt may mend
                logger.warning("decisions about rules cannot be read at the moment: %r", error)
            time.sleep(AGAIN_S)

    def _read_on(self) -> None:
        records: list[Any] = []
        for found in followed(self._settings, self._settings.topic(RULES), lambda: self.is_due):
            records += found
            self.learn(decided(records, self._settings.group, self._seals))
