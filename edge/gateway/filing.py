"""Under whom a frame is filed: the patient whose association holds its time, else the device's own stream."""

from dataclasses import dataclass
from typing import Final

import msgspec

from edge.gateway.associations import Facts
from edge.gateway.stays import FOREVER
from streams.associations import Fact
from streams.frames import own_stream

DEVICES_MAX: Final = 500_000
"""Devices whose last answer is remembered; beyond it the memory starts anew."""

_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class _Answer:
    """What holds for a device in [`from_ms`, `until_ms`)."""

    from_ms: int
    until_ms: int
    patient: str


class Filing:
    """Says whose a frame is, by what is known now; remembers the last answer of each device."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._last: dict[str, _Answer] = {}

    def apply(self, key: bytes, fact: Fact | None, append_ms: int) -> set[str]:
        """Take a record of `vitals.associations` in; return the devices that it may concern."""
        found = self.facts.apply(key, fact, append_ms)
        for device in found:
            self._last.pop(device, None)
        return found

    def patient_at(self, device: str, event_ts_ms: int, named: str = "") -> str:
        """Return the stream that a frame of a device belongs to.

        Args:
            device: whose frame.
            event_ts_ms: its time.
            named: the patient whom the sender names and may name; counts where nothing is known of the device
                that begins at or before this time.
        """
        last = self._last.get(device)
        if last is None or not last.from_ms <= event_ts_ms < last.until_ms:
            last = self._look_up(device, event_ts_ms)
        return last.patient or named or own_stream(device)

    def _look_up(self, device: str, event_ts_ms: int) -> _Answer:
        if len(self._last) >= DEVICES_MAX:
            self._last.clear()
        first = FOREVER
        answer = None
        for from_ms, until_ms, patient in self.facts.streams_of(device):
            first = min(first, from_ms)
            if from_ms <= event_ts_ms < until_ms:
                answer = _Answer(from_ms, until_ms, patient or own_stream(device))
                break
        if answer is None:
            answer = _Answer(-1, first, "")
        self._last[device] = answer
        return answer


def renamed(value: bytes, patient: str, refiled: bool = False) -> bytes:
    """Return a frame's JSON under another patient, every other member byte for byte as it was.

    Raises:
        msgspec.DecodeError: it is no JSON object.
    """
    members = _members(value)
    members["patient"] = msgspec.Raw(msgspec.json.encode(patient))
    members.pop("refiled", None)
    if refiled:
        members["refiled"] = msgspec.Raw(b"true")
    return msgspec.json.encode(members)
