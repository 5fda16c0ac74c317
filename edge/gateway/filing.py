"""Under whom a frame is filed: the patient whose association holds its time, else the device's own stream."""

import re
from typing import Final

import msgspec

from edge.gateway.adt_stays import FOREVER
from edge.gateway.associations import Effect, Facts
from streams.contracts.association import Fact
from streams.contracts.frame import own_stream

DEVICES_MAX: Final = 500_000
"""Devices whose last answer is remembered; beyond it the memory starts anew."""

_patient = re.compile(rb'\s*\{\s*"patient"\s*:\s*"([^"]*)"').match
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Filing:
    """Says whose a frame is, by what is known now; remembers the last answer of each device."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._last: dict[str, tuple[int, int, str]] = {}
        self._ahead: dict[bytes, Fact] = {}

    def anticipate(self, fact: Fact, now_ms: int) -> None:
        """Take in what this gateway has stored in Kafka, before it comes from there."""
        self._take(fact.key, fact, now_ms)
        self._ahead[fact.key] = fact

    def apply(self, key: bytes, fact: Fact | None, append_ms: int) -> Effect:
        """Take a record of `vitals.associations` in; return what it changes.

        One that stands in Kafka before what was anticipated changes nothing: frames would be filed by it once more.
        """
        if (ahead := self._ahead.get(key)) is not None:
            if fact != ahead:
                return Effect(set())
            del self._ahead[key]
        return self._take(key, fact, append_ms)

    def _take(self, key: bytes, fact: Fact | None, append_ms: int) -> Effect:
        effect = self.facts.apply(key, fact, append_ms)
        devices, is_believed_longer = effect
        for device in devices | self.facts.placed_devices() if is_believed_longer else devices:
            self._last.pop(device, None)
        return effect

    def forget(self) -> None:
        """Know nothing, as at the start."""
        self.facts = self.facts.emptied()
        self._last.clear()
        self._ahead.clear()

    def patient_at(self, device: str, event_ts_ms: int, named: str = "") -> str:
        """Return the stream that a frame of a device belongs to.

        Args:
            device: whose frame.
            event_ts_ms: its time.
            named: the patient whom the sender names and may name; counts where nothing is known of the device
                that begins at or before this time.
        """
        last = self._last.get(device)
        if last is None or not last[0] <= event_ts_ms < last[1]:
            last = self._look_up(device, event_ts_ms)
        return last[2] or named or own_stream(device)

    def _look_up(self, device: str, event_ts_ms: int) -> tuple[int, int, str]:
        """Return whose the device is in [from, until) around a time; "" = nothing is known of it up to there."""
        if len(self._last) >= DEVICES_MAX:
            self._last.clear()
        streams = self.facts.streams_of(device)
        found = -1, streams[0][0] if streams else FOREVER, ""
        for from_ms, until_ms, patient in streams:
            if from_ms <= event_ts_ms < until_ms:
                found = from_ms, until_ms, patient or own_stream(device)
        self._last[device] = found
        return found


def renamed(value: bytes, patient: str, refiled: bool = False) -> bytes:
    """Return a frame's JSON under another patient, every other member byte for byte as it was.

    Raises:
        msgspec.DecodeError: it is no JSON object.
    """
    found = _patient(value)
    if found and value.count(b'"patient"') == 1 and b"\\" not in value and b'"refiled"' not in value:
        start, end = found.span(1)  # as nearly always: nothing can be another member of that name
        value = value[:start] + patient.encode() + value[end:]
        return value.rstrip()[:-1] + b',"refiled":true}' if refiled else value
    members = _members(value)
    members["patient"] = msgspec.Raw(msgspec.json.encode(patient))
    members.pop("refiled", None)
    if refiled:
        members["refiled"] = msgspec.Raw(b"true")
    return msgspec.json.encode(members)
