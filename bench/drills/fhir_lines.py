"""Connections of careful devices to gateways by FHIR: batches of Observations, or one Observation a request."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bench.drills.device_ledger import DeviceLedger, measured
from bench.drills.device_lines import Frame, PostLine

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
HEADERS: Final = {"Content-Type": "application/fhir+json"}
FRAMES_MAX: Final = 100
"""Of one batch."""

ALONE_MAX: Final = 200
"""Frames that wait where each is a request: more would not be through when the drill ends."""


class FhirLine(PostLine):
    """A batch of what is due, or one frame a request: an Observation of two components."""

    def __init__(self, ports: Sequence[int], ledger: DeviceLedger, batches: bool) -> None:
        super().__init__(ports, ledger)
        self._batches = batches
        self.path = "/fhir" if batches else "/fhir/Observation"
        self.batch_max = FRAMES_MAX if batches else 1
        if not batches:
            self.waiting_max = ALONE_MAX

    def request(self, frames: list[Frame]) -> tuple[bytes, dict[str, str]]:
        """Return body and headers."""
        found = [_observation(frame) for frame in frames]
        if not self._batches:
            return json.dumps(found[0]).encode(), HEADERS
        asked = {"method": "POST", "url": "Observation"}
        entries = [{"resource": one, "request": asked} for one in found]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
        return json.dumps(bundle).encode(), HEADERS

    def has_all(self, status: int, body: bytes, count: int) -> bool:
        """Tell whether an answer says that Kafka has every frame."""
        if not self._batches:
            return status == 201
        entries = json.loads(body).get("entry", []) if status == 200 else []
        return [one["response"]["status"] for one in entries] == ["201 Created"] * count


def _observation(frame: Frame) -> dict[str, Any]:
    hr, spo2 = measured(frame.event_ts_ms)
    at = datetime.fromtimestamp(frame.event_ts_ms / 1000, UTC).isoformat("T", "milliseconds")
    return {
        "resourceType": "Observation",
        "status": "final",
        "identifier": [{"system": "urn:drill", "value": f"{frame.device}-{frame.seq}"}],
        "code": {"coding": [{"system": LOINC, "code": "85353-1"}]},
        "effectiveDateTime": at,
        "subject": {"identifier": {"system": "urn:drill", "value": frame.device}},
        "device": {"identifier": {"value": frame.device}},
        "component": [_component("8867-4", hr, "/min"), _component("59408-5", spo2, "%")],
    }


def _component(code: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": unit},
    }
