"""Signs of each partition's life by the watcher's own clock: what is not heard is lost, whatever the reason. Pure.

A heartbeat is only what somebody wrote. What it cannot invent is asked too: the group's committed offsets follow the
end of the readings, the readings grow by a tick a second, and the canary's alert comes back.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from streams.contracts.patient_state import Heartbeat

SILENT_S_MAX: Final = 10.0
"""A partition without a beat for so long is not being judged; a beat is due every 2 s."""

BEHIND_S_MAX: Final = 30.0
"""Judging, or the delivery to the broker, may be behind by so much: a silent patient must be told of within it."""

CANARY_S_MAX: Final = 40.0
"""A canary's alert is due every 10 s; so long it may be away while a partition changes its owner [M]."""

NOTHING: Final = -1
"""Committed offset of a partition of which a group has committed none."""

LOOKS_MAX: Final = 512
"""Kept of each partition: one every `log_look.EVERY_S`, for as long as they are compared."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long each sign may be missing, s; `commit_s` is how old a committed offset is by itself."""

    silent_s: float = SILENT_S_MAX
    behind_s: float = BEHIND_S_MAX
    canary_s: float = CANARY_S_MAX
    commit_s: float = 10.0


@dataclass(slots=True)
class _Partition:
    """What is known of one; times on the watcher's monotonic clock, s."""

    heard_s: float
    looked_s: float
    grown_s: float
    sung_s: float
    beat: Heartbeat | None = None
    ends: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=LOOKS_MAX))
    committed: int = 0


class Signs:
    """Told what is heard and seen; asked which partitions are lost. Every time is the caller's clock, s."""

    def __init__(self, partitions: Iterable[int], now_s: float, bounds: Bounds) -> None:
        self.partitions = tuple(sorted(partitions))
        self._bounds = bounds
        self._of = {number: _Partition(now_s, now_s, now_s, now_s) for number in self.partitions}
        self._sings = False

    def beat(self, beat: Heartbeat, now_s: float) -> None:
        """Take a heartbeat."""
        if (one := self._of.get(beat.partition)) is not None:
            one.heard_s, one.beat = now_s, beat

    def sang(self, partition: int, delay_s: float, now_s: float) -> None:
        """Take a canary's alert that was written `delay_s` after the tick that it answers; a late one says nothing."""
        if not self._sings:  # a rules file may go without canaries: they are due once there is one
            self._sings = True
            for one in self._of.values():
                one.sung_s = now_s
        if partition in self._of and delay_s < self._bounds.behind_s:
            self._of[partition].sung_s = now_s

    def looked(self, partition: int, end: int, committed: int, now_s: float) -> None:
        """Take where the readings of a partition end, and how far they are judged for good."""
        if (one := self._of.get(partition)) is None:
            return
        if not one.ends or end > one.ends[-1][1]:
            one.grown_s = now_s
        one.looked_s, one.committed = now_s, committed
        one.ends.append((now_s, end))

    def lost(self, now_s: float) -> dict[int, str]:
        """Return the partitions whose monitoring is lost, and why."""
        return {
            number: why
            for number, one in self._of.items()
            if (why := self._silent(one, now_s) or self._unproven(one, now_s))
        }

    def _silent(self, one: _Partition, now_s: float) -> str:
        """Return what the beats themselves say."""
        silent_s, beat = now_s - one.heard_s, one.beat
        if silent_s >= self._bounds.silent_s:
            by = f", the last was of {beat.worker}" if beat else ""
            return f"no heartbeat for {silent_s:.0f} s{by}"
        if beat is None:
            return ""
        behind_s = (beat.sent_ts_ms - beat.judged_ts_ms) / 1000
        if behind_s >= self._bounds.behind_s:
            return f"judging is {behind_s:.0f} s behind"
        if beat.waiting_s >= self._bounds.behind_s:
            return f"a record waits for the broker for {beat.waiting_s:.0f} s"
        return ""

    def _unproven(self, one: _Partition, now_s: float) -> str:
        """Return what the beats would have to have invented."""
        if (unseen_s := now_s - one.looked_s) >= self._bounds.behind_s:
            return f"it beats, but the brokers have not said for {unseen_s:.0f} s how far the readings are judged"
        if (still_s := now_s - one.grown_s) >= self._bounds.behind_s:
            return f"it beats, but no tick has come into the readings for {still_s:.0f} s"
        patience_s = self._bounds.behind_s + self._bounds.commit_s
        while len(one.ends) > 1 and one.ends[1][0] <= now_s - patience_s:
            one.ends.popleft()
        seen_s, end = one.ends[0] if one.ends else (now_s, 0)
        if now_s - seen_s >= patience_s and one.committed < end:
            if one.committed == NOTHING:
                return "it beats, but the group has committed nothing: is it the workers' own (--group)?"
            missing = end - one.committed
            return f"it beats, but {missing} records that were there {patience_s:.0f} s ago are not judged"
        if self._sings and (mute_s := now_s - one.sung_s) >= self._bounds.canary_s:
            return f"it beats, but its canary's alert has not come back for {mute_s:.0f} s"
        return ""
