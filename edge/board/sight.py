"""Whom a person may see on the board: beds by ward, asked in one place for pages, lists and programs."""

from edge.board.board_access import LetIn
from edge.board.live import Live
from streams.contracts.alert import WARD
from streams.contracts.people import Person


class Sight:
    """Answers who sees which bed.

    Args:
        doors: write down who looked.
        live: beds as they are shown.
    """

    def __init__(self, doors: LetIn, live: Live) -> None:
        self._doors, self._live = doors, live

    def listed(self, person: Person) -> dict[str, str]:
        """Return the ward of each bed that a person may view; broken glass opens beds, no lists."""
        return {
            patient: shown.ward
            for patient, shown in self._live.shown.items()
            if shown.ward is not None and person.may_by_role("view", shown.ward)
        }

    def opens(self, person: Person, patient: str) -> bool:
        """Tell whether a person may open a bed, and write it down; a bed that is not there opens to nobody."""
        shown = self._live.shown.get(patient)
        if shown is None:
            return False
        is_seen = shown.ward is None or person.may("view", shown.ward)
        self._doors.audit(person, "view", patient, shown.ward or "", "granted" if is_seen else "refused")
        return is_seen

    def of_the_alarm_system(self) -> list[str]:
        """Return the beds that stand for parts of the alarm system itself: shown to everybody."""
        return [patient for patient, shown in self._live.shown.items() if shown.ward is None]

    def ward_of(self, patient: str) -> str:
        """Return the ward of a bed, empty where it has none."""
        if patient.startswith(WARD):
            return patient.removeprefix(WARD)
        shown = self._live.shown.get(patient)
        return (shown.ward or "") if shown else ""
