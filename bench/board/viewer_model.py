"""A page without a page: what it knows after the bytes of streams of events, as a browser reads them.

Source: WHATWG HTML, section 9.2.6: an event counts once its empty line has come; half of one is dropped, its id too.
"""

import json
from typing import Any


class ViewerModel:
    """Knows beds by patient, and the position up to which it knows them."""

    def __init__(self) -> None:
        self.beds: dict[str, dict[str, Any]] = {}
        self.position = ""
        self.snapshots = 0
        self.events = 0
        self._rest = b""

    def begin(self) -> None:
        """A new connection: what was half there is gone."""
        self._rest = b""

    def take(self, data: bytes) -> list[tuple[str, dict[str, Any]]]:
        """Take bytes of the stream; return the events that are whole by now, each applied."""
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        found = list[tuple[str, dict[str, Any]]]()
        for block in whole:
            fields = dict(
                line.split(": ", 1)
                for line in block.decode().split("\n")
                if line and not line.startswith(":")
            )
            if "data" in fields:
                said = json.loads(fields["data"])
                self._apply(fields["event"], said)
                self.position = fields.get("id", self.position)
                found.append((fields["event"], said))
        self.events += len(found)
        return found

    def _apply(self, kind: str, said: dict[str, Any]) -> None:
        if kind == "snapshot":
            self.beds = {bed["patient"]: bed for bed in said["beds"]}
            self.snapshots += 1
        elif kind == "beds":
            self.beds |= {bed["patient"]: bed for bed in said["beds"]}
        elif kind == "gone":
            for patient in said["gone"]:
                self.beds.pop(patient, None)
