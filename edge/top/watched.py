"""A process that is asked over and over: its last answers, since when it is silent, its row. Pure: times are given."""

from collections import deque
from typing import Final

from edge.metrics_scrape import NOTHING, Scrape, began_again
from edge.top.places import Kind, Place
from edge.top.top_rows import Row, kind_of, row_of

ANSWERS_MAX: Final = 128
"""Answers that are kept of a process: those of the time that its rates are over, of at most a minute."""


class Watched:
    """What is known of one process.

    Args:
        place: where it answers.
        over_s: the time that rates and latencies are over, s.
        now_s: when it was first to be asked, monotonic, s.
    """

    def __init__(self, place: Place, over_s: float, now_s: float) -> None:
        self.place = place
        self.kind: Kind | None = place.kind
        self.restarts = 0
        """How often another process answered here than the time before."""
        self.has_answered = False
        self.silent_since_s: float | None = now_s
        """Since when it does not answer, monotonic, s; None = it does."""
        self._over_s = over_s
        self._answers: deque[tuple[float, Scrape]] = deque(maxlen=ANSWERS_MAX)

    @property
    def is_missing(self) -> bool:
        """Whether nobody was ever there, and nobody has to be."""
        return self.place.may_be_missing and not self.has_answered

    def observe(self, answer: Scrape | None, now_s: float) -> None:
        """Take an answer, None = there was none in time."""
        if answer is None:
            if self.silent_since_s is None:
                self.silent_since_s = now_s
            return
        self.has_answered, self.silent_since_s = True, None
        self.kind = kind_of(answer)
        if self._answers and began_again(self._answers[-1][1], answer):
            # When the one before last answered, this process had counted nothing.
            last_s, _ = self._answers[-1]
            self._answers.clear()
            self._answers.append((last_s, NOTHING))
            self.restarts += 1
        self._answers.append((now_s, answer))
        while len(self._answers) > 2 and self._answers[1][0] <= now_s - self._over_s:
            self._answers.popleft()

    def row(self) -> Row | None:
        """Return its figures; None while it is silent, or where it is no process that has a row."""
        if self.silent_since_s is not None or self.kind is None:
            return None
        (first_s, first), (last_s, last) = self._answers[0], self._answers[-1]
        return row_of(self.kind, first, last, last_s - first_s)
