"""Who sees what: the wards that a viewer asked for and may view. Pure, and the same for all who see the same."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from streams.contracts.people import ANY_WARD, Person


@dataclass(frozen=True, slots=True)
class Audience:
    """Viewers of these wards; None is every ward, and patients of none."""

    wards: frozenset[str] | None

    @property
    def mark(self) -> str:
        """Return what tells this audience from others in a page's position: rights may change while it is away."""
        if self.wards is None:
            return ""
        said = "\0".join(sorted(self.wards)).encode()
        return f".{hashlib.blake2b(said, digest_size=6).hexdigest()}"

    def sees(self, ward: str | None) -> bool:
        """Tell whether a bed of that ward is shown; None is what is of the alarm system itself: shown to all."""
        return ward is None or self.wards is None or ward in self.wards


def audience_of(person: Person, asked: Iterable[str]) -> Audience | None:
    """Return what a person is shown who asked for these wards, none = all that the person may view.

    None where the person may view nothing of it.
    """
    wanted = frozenset(asked)
    if not wanted:
        if ANY_WARD in person.wards:
            return Audience(None) if person.may("view", "") else None
        wanted = frozenset(person.wards)
    seen = frozenset(ward for ward in wanted if person.may("view", ward))
    return Audience(seen) if seen == wanted and seen else None
