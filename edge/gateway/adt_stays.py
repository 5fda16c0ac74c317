"""Where patients are, by ADT messages and Encounters: a pure function of what they said, in whatever order it came."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from streams.contracts.association import Movement, Visit
from streams.contracts.frame import EVENT_TS_MS_MAX

FOREVER: Final = EVENT_TS_MS_MAX + 1

UNDONE: Final = {"cancel-transfer": "transfer", "cancel-discharge": "discharge"}
"""What a cancellation takes back: as if the last of it had never happened."""

BILLED_MS: Final = 30 * 86_400_000
"""So long after a discharge updates of who has left may come. Our choice [M]."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A patient is at a place in [`from_ms`, `until_ms`), as one sender's messages say."""

    patient: str
    place: str
    from_ms: int
    until_ms: int
    reporter: str


def in_order(movements: Iterable[Movement]) -> list[Movement]:
    """Return movements by when they happened; of one moment, by the number of the message, cancellations last."""
    return sorted(movements, key=lambda m: (m.event_ts_ms, m.what in UNDONE, len(m.id), m.id))


def effective(movements: Iterable[Movement]) -> list[Movement]:
    """Return the movements of one patient that were not taken back, in their order."""
    found: list[Movement] = []
    for movement in in_order(movements):
        undone = UNDONE.get(movement.what)
        at = [i for i, before in enumerate(found) if before.what == undone]
        if at:
            named = [i for i in at if movement.prior_place and found[i].place == movement.prior_place]
            del found[(named or at)[-1]]
        found.append(movement)
    return found


def stays_of(
    patient: str, movements: Sequence[Movement], place_before: Callable[[str, int], str | None]
) -> tuple[Stay, ...]:
    """Return where a patient was and is, rising.

    Args:
        patient: whose stays.
        movements: all that name the patient, merges also those that merge the patient away.
        place_before: where another patient was just before a time, for one who is merged into this one.
    """
    found: list[Stay] = []
    place, since, by = None, 0, ""
    done = effective(movements)
    for i, movement in enumerate(done):
        after = _place_after(patient, movement, place, i == 0, place_before)
        if after == place:
            continue
        if place is not None and since < movement.event_ts_ms:
            found.append(Stay(patient, place, since, movement.event_ts_ms, by))
        place, since, by = after, movement.event_ts_ms, movement.reporter
    if place is not None:
        found.append(Stay(patient, place, since, FOREVER, by))
    return tuple(found)


def stays_in(visits: Iterable[Visit]) -> tuple[Stay, ...]:
    """Return where a patient was and is during visits. Visits may run beside each other, and end by themselves."""
    return tuple(
        Stay(
            visit.patient,
            stay.place,
            stay.from_ts_ms,
            FOREVER if stay.until_ts_ms is None else stay.until_ts_ms,
            visit.reporter,
        )
        for visit in visits
        for stay in visit.stays
    )


def _place_after(
    patient: str,
    movement: Movement,
    place: str | None,
    is_first: bool,
    place_before: Callable[[str, int], str | None],
) -> str | None:
    if movement.what == "discharge":
        return None
    if movement.what == "merge":
        if movement.prior_patient == patient:
            return None
        prior = movement.prior_patient
        inherited = place_before(prior, movement.event_ts_ms) if place is None and prior else None
        return movement.place or place or inherited
    if movement.what == "update" and place is None and not is_first:
        return None  # who has left is still billed, at the last place
    return movement.place or place


def settled(movements: Sequence[Movement], cutoff_ms: int) -> list[Movement]:
    """Return which of one patient's movements say nothing of any time from `cutoff_ms` on: they can be forgotten.

    The last one stays, also a discharge for a while: an update behind it, as billing sends, says where a patient is of
    whom nothing is known, and nothing of one who has left.
    """
    old = [movement for movement in movements if movement.event_ts_ms < cutoff_ms]
    later = [movement for movement in movements if movement.event_ts_ms >= cutoff_ms]
    if any(movement.what == "merge" for movement in movements):
        return []  # another patient's stay may hang on it
    if any(movement.what in UNDONE for movement in later):
        return []  # it may take back any of them
    standing = effective(old)
    if not standing:
        return old
    last = standing[-1]
    if last.what == "discharge":
        if not later and last.event_ts_ms < cutoff_ms - BILLED_MS:
            return old
    else:
        last = next((movement for movement in reversed(standing) if movement.place), last)
    return [movement for movement in old if movement is not last]
