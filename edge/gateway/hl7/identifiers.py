"""Who and what a message is about: devices, places and patients as ids of Vigil's, and which of them are damaged."""

from functools import lru_cache

from edge.gateway.hl7.split import part, plain
from edge.gateway.opaque_ids import eui_64, is_damaged, opaque
from edge.gateway.pseudonym import Pseudonyms


@lru_cache(maxsize=65_536)
def device_of(entity: str, marks: str) -> str:
    """Return the device that an EI or HD field names, empty if it names none; a damaged one is returned as it is.

    An EUI-64 counts (without separators, in capitals), else the identifier with the namespace that gave it out: serial
    numbers of two makers may be the same. Of several repetitions one with an EUI-64, else the first.
    """
    first = ""
    for repetition in entity.split(marks[2]):
        parts = [plain(one, marks) for one in repetition.split(marks[1])]
        # EI: id, namespace, universal id, its type. HD: namespace, universal id, its type.
        kinds = [one.upper() for one in parts]
        found = parts[kinds.index("EUI-64", 2) - 1] if "EUI-64" in kinds[2:4] else parts[0]
        if hardware := eui_64(found):
            return hardware
        if found and len(parts) > 1 and parts[1] and found is parts[0]:
            found = f"{found}@{parts[1]}"
        first = first or found
    return first if is_damaged(first) or not first else opaque(first)


def eui_64_of(header: str, marks: str) -> str:
    """Return the device of MSH-3 if that is one by its EUI-64, else an empty text: a central station is no monitor."""
    return device_of(header, marks) if "EUI-64" in header.upper() else ""


@lru_cache(maxsize=65_536)
def place_of(location: str, marks: str) -> str:
    """Return the place of a PL field (PV1-3): point of care, room and bed joined; empty without any of them."""
    first = part(location, marks[2], 1)
    parts = [_first_of(one, marks) for one in first.split(marks[1])[:3]]
    joined = ":".join(parts).rstrip(":")
    return joined if is_damaged(joined) or not joined else opaque(joined)


def _first_of(component: str, marks: str) -> str:
    """Return the first subcomponent that is not empty."""
    return next((found for one in component.split(marks[4]) if (found := plain(one, marks))), "")


class Patients:
    """Patients of PID-3 as opaque ids.

    Args:
        pseudonyms: make the ids.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._known = lru_cache(maxsize=65_536)(self._find)

    def of(self, identifiers: str, marks: str, authority: str) -> str | None:
        """Return the patient of PID-3 or MRG-1: empty if it names nobody, None if what it names is damaged.

        A medical record number counts (type MR), else the first identifier; `authority` gave it out where it does
        not say who did.
        """
        return self._known(identifiers, marks, authority)

    def _find(self, identifiers: str, marks: str, authority: str) -> str | None:
        chosen: tuple[str, str] | None = None
        for repetition in identifiers.split(marks[2]):
            number = plain(part(repetition, marks[1], 1), marks)
            if not number:
                continue
            given_by = _first_of(part(repetition, marks[1], 4), marks) or authority
            if plain(part(repetition, marks[1], 5), marks).upper() == "MR":
                chosen = (given_by, number)
                break
            chosen = chosen or (given_by, number)
        if chosen is None:
            return ""
        return None if any(is_damaged(one) for one in chosen) else self._pseudonyms.of(*chosen)
