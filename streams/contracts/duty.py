"""Who is on: the people assigned to a bed or its ward in a role at a moment."""

from collections import defaultdict
from typing import Final

from streams.contracts.alert import WARD
from streams.contracts.deliveries import Assignment

PEOPLE_MAX: Final = 16
"""Most people of one role at one place who are told together [M]."""


class Duty:
    """All assignments by place and role; fed by whoever follows the topic, asked by who decides."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, Assignment] = {}
        self._by_place: defaultdict[tuple[str, str], dict[bytes, Assignment]] = defaultdict(dict)

    def __len__(self) -> int:
        return len(self._by_key)

    def take(self, key: bytes, assignment: Assignment | None) -> None:
        """Take the newest record of a key; None = it was cleared."""
        before = self._by_key.pop(key, None)
        if before is not None:
            self._by_place[before.place, before.role].pop(key, None)
        if assignment is not None:
            self._by_key[key] = assignment
            self._by_place[assignment.place, assignment.role][key] = assignment

    def on(self, patient: str, ward: str, role: str, now_ms: int) -> tuple[str, ...]:
        """Return who is on for a patient at a moment (ms), by id: the bed's own, else the ward's."""
        return self.own(patient, role, now_ms) or self.own(f"{WARD}{ward}", role, now_ms)

    def own(self, place: str, role: str, now_ms: int) -> tuple[str, ...]:
        """Return who is on at a place itself at a moment (ms), by id, at most `PEOPLE_MAX`."""
        people = {
            one.person
            for one in self._by_place.get((place, role), {}).values()
            if one.from_ts_ms <= now_ms < one.until_ts_ms
        }
        return tuple(sorted(people)[:PEOPLE_MAX])
