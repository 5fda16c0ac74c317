"""Files frames anew when somebody learns who is on a device; whoever owns `vitals.associations` does it.

Frames are copied to the stream that they belong to, with the same identity and marked as copies; only then the stream
that they lay in is told that the device left it. Other gateways may know less for a moment, so what they file
meanwhile is looked through once more after `SETTLE_MS`. None may know more of what is looked through: the end of the
readings is noted first, and after that the log of associations read to its end. The place in the log of associations
is committed in the end: whoever takes over begins there, and what is done twice counts once.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from edge.gateway.moves import Changes, Move, Sweep
from streams.contracts.association import Departure, Fact

VIEW_MS_MAX: Final = 10_000
"""A gateway whose view of the associations may be older files nothing."""

STORE_MS_MAX: Final = 30_000
"""What a gateway has filed is in Kafka within so long, or never."""

SETTLE_MS: Final = VIEW_MS_MAX + STORE_MS_MAX + 20_000
"""After so long every gateway files by what is known now; the rest is room for clocks and a slow look. [M]"""

Marks = dict[int, int]
"""An offset of each partition of the readings: how far it was looked through, or where it ends."""


class Readings(Protocol):
    """The log of readings, as re-filing needs it."""

    def ends(self) -> Marks:
        """Return where each partition ends now."""

    def scan(
        self, streams: Sequence[str] | None, from_ms: int, marks: Marks, ends: Marks
    ) -> Iterator[tuple[bytes | None, bytes | None]]:
        """Yield key and value of what lies in partitions of these streams, None = of all, up to `ends`.

        Begins at `marks` where a partition is among them, else where the broker's time is `from_ms`; moves the marks.
        """

    def copy(self, stream: str, value: bytes) -> None:
        """Write a frame into another stream."""

    def depart(self, departure: Departure, cause: int) -> None:
        """Write that a device left a stream, beside it; `cause` is the offset of the record that says so."""

    def settle(self) -> None:
        """Return when Kafka has all that was written.

        Raises:
            NotStored: it does not say so in time.
        """


@dataclass(slots=True)
class _Batch:
    """What some records moved: looked through once, and once more at `due_ms`."""

    moves: list[Move]
    first: int
    due_ms: int
    marks: Marks


class Refiler:
    """Does the re-filing for one log of associations, from the offset up to which it was done before."""

    def __init__(self, changes: Changes, readings: Readings, done: int) -> None:
        self._changes = changes
        self._readings = readings
        self._done = done
        self._read = 0
        self._first: int | None = None
        self._waiting: deque[_Batch] = deque()
        """One a look at most, for `SETTLE_MS`."""
        self.copied = 0
        """Frames that were copied."""

    @property
    def committed(self) -> int:
        """Offset up to which everything follows from the log that should."""
        firsts = [batch.first for batch in self._waiting] + ([] if self._first is None else [self._first])
        return max(self._done, min(firsts, default=self._read))

    def skip(self, offset: int) -> None:
        """Pass over a record that says nothing."""
        self._read = offset + 1

    def take(self, offset: int, key: bytes, fact: Fact | None, append_ms: int) -> None:
        """Take in a record of the log."""
        if self._read <= self._done <= offset:
            self._changes.moves()  # up to here everything was filed by what was known
        self._read = offset + 1
        self._changes.take(key, fact, append_ms)
        if offset >= self._done and self._first is None:
            self._first = offset

    def work(self, now_ms: int, catch_up: Callable[[], bool]) -> None:
        """Look through the readings for what has been learnt since, and once more for what is due.

        Args:
            now_ms: the time.
            catch_up: takes in what the log of associations has by now; False = it could not, then nothing is done.

        Raises:
            NotStored: Kafka does not say that it has what was written; begin again from what is committed.
        """
        if self._first is None and not self._is_due(now_ms):
            self._changes.moves()
            return
        ends = self._readings.ends()
        # Who filed one of those frames knew no more than is there now: by less, it would be taken off its patient.
        if not catch_up():
            return
        moves = self._changes.moves()
        if moves and self._first is not None:
            batch = _Batch(moves, self._first, now_ms + SETTLE_MS, {})
            self._look(batch, ends, again=False)
            self._waiting.append(batch)
        self._first = None
        while self._is_due(now_ms):
            self._look(self._waiting[0], ends, again=True)
            self._waiting.popleft()

    def _is_due(self, now_ms: int) -> bool:
        return bool(self._waiting) and self._waiting[0].due_ms <= now_ms

    def _look(self, batch: _Batch, ends: Marks, again: bool) -> None:
        sweep = Sweep(batch.moves, self._changes.filing)
        for key, value in self._readings.scan(sweep.streams, sweep.from_ms, batch.marks, ends):
            found = sweep.find(key, value)
            if found is not None:
                self._readings.copy(*found)
                self.copied += 1
        self._readings.settle()
        for departure in sweep.departures(again):
            self._readings.depart(departure, batch.first)
        self._readings.settle()
