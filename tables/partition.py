"""A partition: all that this worker keeps of one that it was assigned; made then, dropped when somebody else has it.

Its life is the table of `tables.partition_life`. Whoever of the agents keeps something by partition keeps it here
(`Partition.of`), so that all of it ends at once.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from clinical.limits import NEVER
from streams.errors import PromiseBroken
from streams.kafka.publisher import fail_stop
from tables.changelog.progress import NOTHING, Progress
from tables.partition_life import Event, IllegalEvent, Life, advance
from tables.patients import PatientTable

Kept = TypeVar("Kept")


class Partition:
    """One partition of the readings, with the state of its patients.

    Args:
        number: which.
        table: the state, empty.
        on_failure: what to do when something happens that cannot happen; the default stops the process.
    """

    def __init__(
        self, number: int, table: PatientTable, on_failure: Callable[[str], None] = fail_stop
    ) -> None:
        self.number = number
        self.table = table
        self.life = Life.ASSIGNED
        self.applied: int | None = None
        """The last offset of the changelog that the state holds; None = it was not read."""
        self.progress: Progress = NOTHING
        """What the newest end of a checkpoint in the changelog said when it was read."""
        self.is_given_up = False
        """Its changelog could not be read to the end, so what was recovered is not trusted."""
        self.dropped: set[str] = set()
        """Patients who were dropped and whom the next checkpoint writes as gone."""
        self.end = NEVER
        """Changelog offset of the last end record by this worker."""
        self.durable = NEVER
        """Offset of the readings that this worker has declared durable."""
        self.durable_s: float | None = None
        """When it last did so, monotonic, s; None = not yet."""
        self._on_failure = on_failure
        self._kept: dict[type[Any], Any] = {}

    def on(self, event: Event) -> None:
        """Let something happen to it.

        Raises:
            PromiseBroken: it cannot happen now, and the process goes on all the same, as in a test.
        """
        try:
            self.life = advance(self.life, event)
        except IllegalEvent as illegal:
            reason = f"partition {self.number}: {illegal}"
            self._on_failure(reason)
            raise PromiseBroken(reason) from None

    @property
    def is_judged(self) -> bool:
        """Whether its records are judged here, or were until the group took it back."""
        return self.life in (Life.JUDGING, Life.HANDING_OVER)

    def note_applied(self, offset: int) -> None:
        """Note that the changelog up to `offset` is what the state says."""
        self.applied = offset if self.applied is None else max(offset, self.applied)

    def of(self, kind: type[Kept]) -> Kept:
        """Return what one of the agents keeps of this partition, the same each time; at first a new `kind()`."""
        kept: Kept | None = self._kept.get(kind)
        if kept is None:
            kept = self._kept[kind] = kind()
        return kept

    def drop(self) -> None:
        """Give up all that is kept: its life here is over."""
        self.on(Event.DROP)
        self.table.release()
        self._kept.clear()
