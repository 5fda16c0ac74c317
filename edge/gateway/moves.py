"""What has to be filed anew when somebody learns who is on a device: which frames, from where, and to whom."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import msgspec

from edge.gateway.adt_stays import FOREVER
from edge.gateway.filing import Filing, renamed
from streams.contracts.association import KEPT_MS, Departure, Fact
from streams.contracts.frame import OWN_STREAM, own_stream

AHEAD_MS: Final = 300_000
"""No device's clock is believed to be further ahead: of a time that is further ahead no frame can have come. [M]"""

Streams = Sequence[tuple[int, int, str]]
"""(from, until, patient) of a device, "" = nobody; rising and without gaps from the first."""


@dataclass(frozen=True, slots=True)
class Move:
    """A device's frames of [`from_ms`, `until_ms`) are not those of the stream `old` any more.

    `old` None: nothing was known of the device then, so they lie where their sender said.
    """

    device: str
    from_ms: int
    until_ms: int
    old: str | None

    def holds(self, device: str, event_ts_ms: int) -> bool:
        """Return whether a frame is one of them."""
        return device == self.device and self.from_ms <= event_ts_ms < self.until_ms


def moves_between(device: str, before: Streams, after: Streams) -> list[Move]:
    """Return what changes between two views of a device, rising; who was on it and is not known any more never was."""
    bounds = sorted({ms for a, b, _ in (*before, *after) for ms in (a, b)})
    found: list[Move] = []
    for a, b in pairwise(bounds):
        old, new = _at(device, before, a), _at(device, after, a)
        if old == (new or own_stream(device)) or (old is None and new is None):
            continue
        if found and found[-1].until_ms == a and found[-1].old == old:
            found[-1] = Move(device, found[-1].from_ms, b, old)
        else:
            found.append(Move(device, a, b, old))
    return found


def _at(device: str, streams: Streams, ms: int) -> str | None:
    return next((patient or own_stream(device) for a, b, patient in streams if a <= ms < b), None)


class Changes:
    """Takes the log of associations in and says what it moves; `filing` is its own view.

    Each report is looked at by itself, since some gateway may file by what held between two of them. That ADT is
    believed longer is looked at once for many messages: until then frames lie where they would have before, or where
    they belong. What ADT says beyond is followed too, because others may believe it up to anywhere.
    """

    def __init__(self, filing: Filing) -> None:
        self.filing = filing
        self._filed: dict[str, tuple[Streams, Streams]] = {}
        self._found: list[Move] = []
        self._is_believed_longer = False
        self._append_ms = 0

    def take(self, key: bytes, fact: Fact | None, append_ms: int) -> None:
        """Take a record in."""
        devices, is_believed_longer = self.filing.apply(key, fact, append_ms)
        self._is_believed_longer |= is_believed_longer
        self._append_ms = max(self._append_ms, append_ms)
        for device in sorted(devices):
            self._compare(device)

    def _compare(self, device: str) -> None:
        facts = self.filing.facts
        before = self._filed.get(device, ((), ()))
        told = tuple((span.from_ms, span.until_ms, span.patient) for span in facts.spans(device))
        after = self._filed[device] = facts.streams_of(device), told
        found = [
            move
            for old, new in zip(before, after, strict=True)
            if old != new
            for move in moves_between(device, old, new)
        ]
        self._found += dict.fromkeys(found)

    def moves(self) -> list[Move]:
        """Return what the records since the last call move, of times of which the log may have frames."""
        if self._is_believed_longer:
            for device in sorted(self.filing.facts.placed_devices()):
                self._compare(device)
        found, self._found, self._is_believed_longer = self._found, [], False
        latest_ms, oldest_ms = self._append_ms + AHEAD_MS, self._append_ms - KEPT_MS
        return [move for move in found if move.from_ms <= latest_ms and move.until_ms > oldest_ms]


class _Head(msgspec.Struct, gc=False):
    device: str
    event_ts_ms: int


_head = msgspec.json.Decoder(_Head).decode


class Sweep:
    """Looks through records of the readings for frames that moves concern; remembers where it found some."""

    def __init__(self, moves: Iterable[Move], filing: Filing) -> None:
        self.moves = list(moves)
        self._filing = filing
        self._by_stream: dict[bytes, list[Move]] = defaultdict(list)
        self._anywhere: list[Move] = [move for move in self.moves if move.old is None]
        for move in self.moves:
            if move.old is not None:
                self._by_stream[move.old.encode()].append(move)
        self._moved: dict[tuple[Move, str], int] = defaultdict(int)

    @property
    def streams(self) -> list[str] | None:
        """The streams whose frames have to be looked at; None = all."""
        return None if self._anywhere else [key.decode() for key in self._by_stream]

    @property
    def from_ms(self) -> int:
        """The broker may have taken the first frame that is concerned at this time, ms; not before."""
        return min(move.from_ms for move in self.moves) - AHEAD_MS

    def find(self, key: bytes | None, value: bytes | None) -> tuple[str, bytes] | None:
        """Return where a record belongs and its value there, None if it lies where it should or is no frame."""
        if key is None or value is None or (key.startswith(b"~") and not key.startswith(OWN_STREAM.encode())):
            return None
        moves = (*self._by_stream.get(key, ()), *self._anywhere)
        if not moves:
            return None
        try:
            head, stream = _head(value), key.decode()
            move = next((move for move in moves if move.holds(head.device, head.event_ts_ms)), None)
            if move is None:
                return None
            named = stream if move.old is None and not stream.startswith(OWN_STREAM) else ""
            belongs = self._filing.patient_at(head.device, head.event_ts_ms, named)
            if belongs == stream:
                return None
            found = belongs, renamed(value, belongs, refiled=True)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None  # a dead letter, wherever it lies
        self._moved[move, stream] += 1
        return found

    def departures(self, again: bool = False) -> list[Departure]:
        """Return what streams have to be told: the device left them, perhaps with readings that are not theirs.

        `again`: they were told; only those in which frames were found since.
        """
        said = {(move, move.old): 0 for move in self.moves if move.old is not None and not again}
        said |= self._moved
        return [
            departure
            for (move, stream), count in said.items()
            for departure in self._from(move, stream, withdrawn=count > 0)
        ]

    def _from(self, move: Move, stream: str, withdrawn: bool) -> Iterator[Departure]:
        """Yield when the device is not on a stream, of the time that a move concerns: it may have come back to it."""
        known = self._filing.facts.streams_of(move.device)
        # Before anything is known of a device its sender's word counts, but not where somebody's report did.
        unknown = () if move.old is None else ((-1, known[0][0] if known else FOREVER, ""),)
        for a, b, patient in (*unknown, *known):
            start, end = max(a, move.from_ms), min(b, move.until_ms)
            if start < end and (patient or own_stream(move.device)) != stream:
                yield Departure(
                    patient=stream,
                    device=move.device,
                    from_ts_ms=start,
                    until_ts_ms=None if end >= FOREVER else end,
                    withdrawn=withdrawn and not stream.startswith(OWN_STREAM),
                )
