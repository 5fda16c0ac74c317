"""When a message is tried again: doubled waits without jitter, so that what happens can be said in advance. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Bounds of trying, s. A message is given up `total_s` after it was queued, or after `tries_max` tries.

    [M] Two minutes are the time in which somebody must hear of it otherwise; the total leaves room for that.
    """

    first_s: float = 0.5
    factor: float = 2.0
    wait_s_max: float = 15.0
    attempt_s: float = 5.0
    total_s: float = 90.0
    tries_max: int = 20

    def wait_s(self, attempt: int, asked_s: float = 0.0) -> float:
        """Return how long to wait after a failed `attempt` (from 1), s; never less than the provider asked for."""
        # The exponent is bounded: beyond the longest wait a larger one says nothing, and overflows in the end.
        doubled = self.first_s * self.factor ** min(attempt - 1, 64)
        return max(min(doubled, self.wait_s_max), asked_s)

    def next_s(self, attempt: int, queued_s: float, now_s: float, asked_s: float = 0.0) -> float | None:
        """Return when to try again, on the clock of `now_s`; None where no try is left in time."""
        due_s = now_s + self.wait_s(attempt, asked_s)
        return None if attempt >= self.tries_max or due_s >= queued_s + self.total_s else due_s

    def deadline_s(self, queued_s: float, now_s: float) -> float:
        """Return how long a try that begins now may take, s: at most what is left; 0 where nothing is."""
        return max(0.0, min(self.attempt_s, queued_s + self.total_s - now_s))
