"""Which ward a patient is in now, and that ward's clock: read from the topics at once, and again for who is unknown."""

import time
from typing import Final
from zoneinfo import ZoneInfo

from edge.order_sending import read_board
from edge.records import Skipped
from edge.reference.reference_view import read_reference
from streams.config.settings import Settings
from streams.contracts.alert import WARD
from streams.contracts.patient_state import Patient
from streams.contracts.reference import Reference
from streams.contracts.topics import PATIENTS
from streams.contracts.zones import moment, zone

AGAIN_S: Final = 30.0
"""Who is unknown is looked for again no more often, so that a stranger does not read the topic with each alert."""


class Whereabouts:
    """Knows wards by patient as `vitals.patients` has them; an alert says no ward itself."""

    def __init__(self, settings: Settings, skipped: Skipped) -> None:
        self._settings, self._skipped = settings, skipped
        self._wards: dict[str, str] = {}
        self.reference = Reference()
        self._read_s = float("-inf")
        self._default = zone(settings.time_zone)

    def ward_of(self, patient: str) -> str:
        """Return the ward that a patient is in now; empty where none is known."""
        if patient.startswith(WARD):
            return patient.removeprefix(WARD)
        if patient not in self._wards and time.monotonic() - self._read_s >= AGAIN_S:
            self._read()
        return self._wards.get(patient, "")

    def at(self, patient: str, ts_ms: int) -> str:
        """Return a time as the clock of the patient's ward shows it, with its offset."""
        return moment(ts_ms, self.zone_of(self.ward_of(patient)))

    def zone_of(self, ward: str) -> ZoneInfo:
        """Return a ward's time zone, the setting's where it has none."""
        return self.reference.zone(ward, self._default.key) if ward else self._default

    def _read(self) -> None:
        found = read_board(self._settings, PATIENTS, Patient, self._skipped)
        self._wards = {one.patient: one.ward for one in found}
        self.reference = read_reference(self._settings, self._skipped)
        self._read_s = time.monotonic()
