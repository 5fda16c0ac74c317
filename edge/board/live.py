"""The state as it is shown: each bed encoded once, what has changed since it was last looked at, and since a position.

A position is offsets, so a page may come back to another board, or to this one after a restart. What changed between
is sent alone where this board has seen it happen; else the whole state is, which ends in the same.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.board import events
from edge.board.audience import Audience
from edge.board.position import Log, Position, covers, position_of, reached, text_of
from edge.board.state import Bed, BoardState, is_of_the_alarm_system, label_of, wards_of
from streams.contracts.reference import Reference

GONE_KEPT_MAX: Final = 10_000
"""Patients who are gone and still remembered: an old event of theirs shows nothing, and pages that come back are told.

Who comes from before the oldest gets the whole state.
"""

SNAPSHOTS_KEPT_MAX: Final = 64
"""Encoded snapshots of this moment, one an audience: many come back at once after a restart."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A bed as it was last sent: its ward (None = of the alarm system) and its JSON."""

    ward: str | None
    partition: int
    json: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What one look found: beds by patient, and who left which ward; between two positions.

    `named` are wards that are new or are called otherwise.
    """

    before: str
    after: str
    beds: dict[str, Shown]
    left: tuple[tuple[str, str | None], ...]
    named: frozenset[str] = frozenset()


class Live:
    """Beds as they are shown; `state` is theirs.

    Args:
        partitions: of the topics that beds are made of.
    """

    def __init__(self, partitions: int) -> None:
        self.partitions = partitions
        self.state = BoardState()
        self.shown: dict[str, Shown] = {}
        self.position: dict[Log, int] = {}
        """Where what is shown stands."""
        self.read: dict[Log, int] = {}
        """Where what is taken stands."""
        self.text = text_of({}, partitions)
        self._floor: dict[Log, int] | None = None
        self._lacking: dict[Log, int] = {}
        self._touched: set[str] = set()
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._snapshots: dict[Audience, bytes] = {}
        self._wards: dict[str, set[int]] | None = None
        self._names: dict[str, str] = {}
        self._is_renamed = False

    def touch(self, patient: str) -> None:
        """Note that records about a patient were taken; an empty name is nobody."""
        if patient:
            self._touched.add(patient)

    @property
    def has_changed(self) -> bool:
        """Whether there is something that was not looked at."""
        return bool(self._touched) or self._is_renamed or self.read != self.position

    def look(self) -> Change:
        """Encode who has changed and move on to where the logs were read."""
        before, left = self.text, list[tuple[str, str | None]]()
        changed = dict[str, Shown]()
        for patient in sorted(self._touched):
            known, found = self.shown.get(patient), _shown(self.state.bed(patient))
            if found == known:
                continue
            if (
                found is None
                or known is None
                or (found.ward, found.partition) != (known.ward, known.partition)
            ):
                self._wards = None
            if known is not None and (found is None or found.ward != known.ward):
                left.append((patient, known.ward))
            if found is None:
                self.shown.pop(patient, None)
                self._gone[patient] = None
            else:
                self._gone.pop(patient, None)
                self.shown[patient] = changed[patient] = found
        self._touched.clear()
        self._forget()
        self.position = dict(self.read)
        self.text = text_of(self.position, self.partitions)
        named = self._name()
        if self.text != before or changed or left or named:
            self._snapshots.clear()
        return Change(before, self.text, changed, tuple(left), named)

    def begin(self) -> None:
        """Note that all there was has been read: pages that were as far as this can be told what changed since."""
        self.look()
        lacking, self._lacking = self._lacking, {}
        self._floor = {
            log: max(self.position.get(log, 0), lacking.get(log, 0)) for log in {*self.position, *lacking}
        }

    def refer(self, reference: Reference) -> None:
        """Take in what is written above beds; it has no place among the positions of pages."""
        before, self.state.reference = self.state.reference, reference
        if reference is not before:
            self._is_renamed = True
            self._touched |= {
                name for name in self.shown if label_of(reference, name) != label_of(before, name)
            }

    def begin_anew(self) -> None:
        """Forget all that was read: a topic was made anew, its offsets are of another log. Nobody catches up."""
        self._touched |= set(self.shown)
        reference = self.state.reference
        self.state, self.read, self._floor = BoardState(), {}, None
        self.state.reference = reference

    def snapshot(self, audience: Audience, now_ts_ms: int) -> bytes:
        """Return the event of all that an audience sees."""
        if (found := self._snapshots.get(audience)) is not None:
            return found
        seen = [shown for _, shown in sorted(self.shown.items()) if audience.sees(shown.ward)]
        named, each = self._named(audience), events.array(shown.json for shown in seen)
        found = events.snapshot(self.text + audience.mark, now_ts_ms, named, each)
        if len(self._snapshots) < SNAPSHOTS_KEPT_MAX:
            self._snapshots[audience] = found
        return found

    def catch_up(self, audience: Audience, text: str, now_ts_ms: int) -> bytes | None:
        """Return the events between a page's position and now, None where only a snapshot will do."""
        place, _, mark = text.partition(".")
        position = position_of(place, self.partitions)
        if position is None or self._floor is None or mark != audience.mark.removeprefix("."):
            return None
        if not covers(position, self._floor) or not covers(self.position, position):
            return None
        changed, left = list[tuple[str, Shown]](), set[str]()
        for patient, told in sorted(self.state.told.items()):
            if not _is_newer(told.at, position):
                continue
            shown = self.shown.get(patient)
            if shown is not None and audience.sees(shown.ward):
                changed.append((patient, shown))
            elif any(map(audience.sees, wards_of(patient, told, position))):
                left.add(patient)  # the page may have it from a board that looked at another moment
        said = self._events(text, self.text + audience.mark, now_ts_ms, changed, left)
        return events.wards(now_ts_ms, self._named(audience)) + said

    def told(self, audience: Audience, change: Change, now_ts_ms: int) -> bytes:
        """Return the events of a change for an audience, empty where it sees nothing of it."""
        seen = [(patient, shown) for patient, shown in change.beds.items() if audience.sees(shown.ward)]
        left = {patient for patient, ward in change.left if audience.sees(ward)}
        is_named = any(audience.sees(ward) for ward in change.named)
        named = events.wards(now_ts_ms, self._named(audience)) if is_named else b""
        if not seen and not left:
            return named
        before, after = change.before + audience.mark, change.after + audience.mark
        return named + self._events(before, after, now_ts_ms, seen, left)

    def clock(self, audience: Audience, now_ts_ms: int) -> bytes:
        """Return the event of a second."""
        judged = self.state.judged
        wards: dict[str, int | None] = dict.fromkeys(sorted(audience.wards or ()))
        for ward, partitions in self._partitions_of_wards().items():
            if audience.sees(ward):
                untils = [judged.get(number) for number in partitions]
                wards[ward] = None if None in untils else min(until for until in untils if until is not None)
        each = {str(number): judged.get(number) for number in range(self.partitions)}
        return events.clock(now_ts_ms, each, wards)

    def end_second(self) -> None:
        """Forget encoded snapshots: they say what time it is."""
        self._snapshots.clear()

    def _name(self) -> frozenset[str]:
        """Look up what wards are called where that may have changed; return those that are new or called otherwise."""
        if self._wards is not None and not self._is_renamed:
            return frozenset()
        before, reference, self._is_renamed = self._names, self.state.reference, False
        self._names = {ward: reference.ward_name(ward) for ward in self._partitions_of_wards()}
        return frozenset(ward for ward, name in self._names.items() if before.get(ward) != name)

    def _named(self, audience: Audience) -> bytes:
        """Return as JSON what the wards are called of which an audience sees a bed."""
        seen = ((ward, name) for ward, name in sorted(self._names.items()) if audience.sees(ward))
        return events.encode([{"ward": ward, "name": name} for ward, name in seen])

    def _partitions_of_wards(self) -> dict[str, set[int]]:
        if self._wards is None:
            self._wards = {}
            for shown in self.shown.values():
                if shown.ward is not None:
                    self._wards.setdefault(shown.ward, set()).add(shown.partition)
        return self._wards

    def _events(
        self,
        before: str,
        after: str,
        now_ts_ms: int,
        seen: Iterable[tuple[str, Shown]],
        left: set[str],
    ) -> bytes:
        """Return who is gone, at the old position, then who has changed, at the new one: half of it is no loss."""
        found = list(seen)
        gone = left - {patient for patient, _ in found}
        said = events.gone(before, now_ts_ms, sorted(gone)) if gone else b""
        return said + events.beds(after, now_ts_ms, events.array(shown.json for _, shown in found))

    def lack(self, log: Log, offset: int) -> None:
        """Note that records before an offset are lost to this board: what they said of beds, others may have shown."""
        floor = self._lacking if self._floor is None else self._floor
        floor[log] = max(floor.get(log, 0), offset)

    def _forget(self) -> None:
        """Forget who has been gone for longest, beyond as many as are kept."""
        while len(self._gone) > GONE_KEPT_MAX:
            forgotten, _ = self._gone.popitem(last=False)
            told = self.state.told.pop(forgotten, None)
            for log, offset in told.at.items() if told else ():
                self.lack(log, offset + 1)


def _is_newer(at: dict[Log, int], position: Position) -> bool:
    return any(not reached(position, log, offset) for log, offset in at.items())


def _shown(bed: Bed | None) -> Shown | None:
    if bed is None:
        return None
    ward = None if is_of_the_alarm_system(bed["patient"]) else bed["ward"]
    return Shown(ward, bed["partition"], events.encode(bed))
