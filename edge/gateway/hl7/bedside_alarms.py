"""IHE PCD-04 (ORU^R40): the bedside's own alarms, as flags of frames where Vigil knows the event, else as alerts.

Source: IHE PCD TF volume 2, PCD-04, appendix B.8: the OBX of one alarm share all of OBX-4 but its last part, which is
the facet: 1 event, 2 source, 3 phase, 4 state, 5 inactivation, 6 priority, 7 type, 8 text. Monitors are seen that name
the facets by 68480 to 68485, others by 68164 to 68169, others only by OBX-4.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from edge.gateway.accept import Refusal
from edge.gateway.hl7.codes import flag_of, triplets
from edge.gateway.hl7.identifiers import Patients
from edge.gateway.hl7.observations import Context, Group, Place, message_id, participating_device
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.split import Header, part, plain
from edge.gateway.numbering import BOOT, numbered
from edge.gateway.opaque_ids import is_damaged
from streams.contracts.alert import (
    INACTIVATION_PATTERN,
    Alert,
    AlertType,
    Evidence,
    Phase,
    Priority,
    Source,
    episode_id,
)
from streams.decoding.wire_frames import WireFrame

EVENT: Final = "1"
_FACETS: Final = {
    **{f"{code}": facet for facet, code in zip("1234567", (196616, *range(68480, 68486)), strict=True)},
    **{f"{code}": facet for facet, code in zip("234567", range(68164, 68170), strict=True)},
    "68546": "8",
    "MDC_EVT_ALARM": "1",
    "MDC_ATTR_ALERT_SOURCE": "2",
    "MDC_ATTR_EVENT_PHASE": "3",
    "MDC_ATTR_EVT_PHASE": "3",
    "MDC_ATTR_ALARM_STATE": "4",
    "MDC_ATTR_ALARM_INACTIVATION_STATE": "5",
    "MDC_ATTR_ALARM_PRIORITY": "6",
    "MDC_ATTR_ALERT_TYPE": "7",
    "MDC_ATTR_ALERT_TEXT": "8",
}
ALIVE: Final = frozenset({"196614", "258047", "MDC_EVT_ACTIVE"})
"""Only says that the reporter is there: answered, and no alarm."""

_PRIORITIES: Final[dict[str, Priority]] = {"PH": "high", "PM": "medium", "PL": "low"}
_TYPES: Final[dict[str, AlertType]] = {"SP": "physiological", "ST": "technical", "SA": "advisory"}
_ENDED: Final = ("end", "reset")
_STATES: Final = ("active", "inactive", "latched")
_CODE: Final = re.compile(r"\d{1,6}")
TEXT_CHARACTERS_MAX: Final = 200


@dataclass(slots=True)
class Alarm:
    """The facets of one alarm, as fields of OBX segments; `identity` names the alarm over all its messages."""

    group: Group
    device: str
    identity: str
    facets: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Reported:
    """What a message reports: frames that carry flags, alerts with the device and patient they name, signs of life."""

    frames: list[WireFrame]
    alerts: list[tuple[str, str, Alert]]
    alive: bool
    faults: list[str]


class Alarms(Context):
    """The alarms of one message."""

    def __init__(self, header: Header, profile: Profile, patients: Patients) -> None:
        super().__init__(header, profile, patients)
        self._message_id = message_id(header)
        self._identity = ""
        self._alarms: dict[tuple[int, str], Alarm] = {}
        self._flags: dict[Place, dict[str, Any]] = {}
        self._orders = 0
        self._last: Alarm | None = None

    def read(self, segments: list[str]) -> Reported:
        """Return what the segments report."""
        mark = self.marks[0]
        for segment in segments:
            fields = segment.split(mark)
            name = fields[0]
            if name == "OBX" and len(fields) > 4:
                self._facet(fields)
            elif name == "PRT" and (device := participating_device(fields, self.marks)):
                if self._last is None:
                    self.take_part(device)
                else:
                    self._last.device = device
            elif name in ("PID", "PV1", "OBR"):
                self._last = None
                self.note(name, fields)
                if name == "OBR":
                    self._orders += 1
                    self._identity = self._alarm_identity(fields)
        told = Reported([], [], False, self.faults)
        for alarm in self._alarms.values():
            self._tell(alarm, told)
        for patient, device, at_ms in sorted(self._flags, key=lambda place: place[2]):
            flags = self._flags[patient, device, at_ms]
            seq = numbered(at_ms, self._message_id)
            told.frames.append(
                WireFrame(patient, device, BOOT, seq, at_ms, self.profile.interval_ms, **flags)
            )
        return told

    def _alarm_identity(self, obr: list[str]) -> str:
        """Return what the messages of one alarm share: the report that began it (OBR-29.2), else this one (OBR-3)."""
        parent = part(obr[29], self.marks[1], 2) if len(obr) > 29 else ""
        own = part(obr[3], self.marks[1], 1) if len(obr) > 3 else ""
        return plain(part(parent, self.marks[4], 1), self.marks) or plain(own, self.marks)

    def _facet(self, fields: list[str]) -> None:
        """Put an OBX where it belongs."""
        path, _, last = fields[4].rpartition(".")
        device = self.device(fields)
        facet = next(
            (
                _FACETS[key]
                for code, name, _ in triplets(fields[3], self.marks)
                for key in (code, name)
                if key in _FACETS
            ),
            last if last in "12345678" else "",
        )
        if not facet or (len(fields) > 11 and fields[11] == "X"):
            return  # a container, or nothing
        key = (self._orders, path)
        if facet == EVENT and key not in self._alarms:
            self._alarms[key] = Alarm(self.group, "", self._identity)
        alarm = self._alarms.get(key)
        if alarm is not None:
            alarm.facets.setdefault(facet, fields)
            alarm.device = alarm.device or device
            self._last = alarm

    def _value(self, alarm: Alarm, facet: str) -> str:
        fields = alarm.facets.get(facet)
        return fields[5] if fields is not None and len(fields) > 5 else ""

    def _word(self, alarm: Alarm, facet: str) -> str:
        return plain(part(self._value(alarm, facet), self.marks[1], 1), self.marks)

    def _event(self, alarm: Alarm) -> str:
        """Return the event as a coded field: the value of an alarm's OBX, or, in older messages, what the OBX is."""
        fields = alarm.facets[EVENT]
        code, name, _ = triplets(fields[3], self.marks)[0]
        return (
            self._value(alarm, EVENT)
            if _FACETS.get(code) == EVENT or _FACETS.get(name) == EVENT
            else fields[3]
        )

    def _tell(self, alarm: Alarm, told: Reported) -> None:
        event, marks = self._event(alarm), self.marks
        code, name, _ = triplets(event, marks)[0]
        if not ALIVE.isdisjoint((code, name)):
            told.alive = True
            return
        device = alarm.device or self.fallback(alarm.group)
        if not device or is_damaged(device):
            told.faults.append("damaged-device" if device else "no-device")
            return
        fields = alarm.facets[EVENT]
        self.group = alarm.group
        at_ms = self.time_ms(fields[14] if len(fields) > 14 else "")
        if at_ms is None:
            told.faults.append("no-time")
            return
        phase = self._word(alarm, "3").lower().replace("-", "") or "continue"
        state = self._word(alarm, "4").lower() or "active"
        over = phase in _ENDED or state == "inactive"
        flag = flag_of(event, self._value(alarm, "2"), marks)
        if flag:
            # Of one device and moment one frame: a second one would be another content under the same number.
            self._flags.setdefault((alarm.group.patient, device, at_ms), {})[flag] = not over
            return
        told.alerts.append((device, alarm.group.patient, self._alert(alarm, device, at_ms, phase, over)))

    def _alert(self, alarm: Alarm, device: str, at_ms: int, phase: str, over: bool) -> Alert:
        """Return the alert; its patient is who the device is on, which the door knows."""
        marks = self.marks
        code, name, _ = triplets(self._event(alarm), marks)[0]
        event = name or code or "MDC_EVT_ALARM"
        source, source_name, _ = triplets(self._value(alarm, "2"), marks)[0]
        text = self._said(alarm)
        episode = episode_id(f"{device}\x1f{alarm.identity}", f"{event}\x1f{source or source_name}", 0)
        state = self._word(alarm, "4").lower()
        words = f"{phase}\x1f{state}\x1f{at_ms}\x1f{self._message_id}"
        number = int.from_bytes(hashlib.sha256(words.encode()).digest()[:4], "big")
        numeric = int(source) if _CODE.fullmatch(source) and int(source) else None
        inactivation = self._word(alarm, "5").lower()
        marked = alarm.facets[EVENT][8].split(marks[2]) if len(alarm.facets[EVENT]) > 8 else []
        priority = next(
            (_PRIORITIES[one] for one in (self._word(alarm, "6"), *marked) if one in _PRIORITIES), "low"
        )
        kind = next((_TYPES[one] for one in (self._word(alarm, "7"), *marked) if one in _TYPES), "technical")
        return Alert(
            id=f"{episode}-{number}",
            episode=episode,
            patient=alarm.group.patient,
            rule=f"device:{event}"[:TEXT_CHARACTERS_MAX],
            event=event[:TEXT_CHARACTERS_MAX],
            source=Source(kind="device", name=source_name or source or "device", mdc=numeric, device=device),
            phase="end" if over else phase if phase in get_args(Phase) else "update",
            state="inactive" if over else state if state in _STATES else "active",
            inactivation=inactivation if re.match(INACTIVATION_PATTERN, inactivation) else "enabled",
            priority=priority,
            type=kind,
            onset_ts_ms=at_ms,
            event_ts_ms=at_ms,
            append_ts_ms=at_ms,
            evidence=Evidence(),
            reason=f"the device reports {text or event}"[:TEXT_CHARACTERS_MAX],
        )

    def _said(self, alarm: Alarm) -> str:
        """Return the alarm's own words: the text facet, the original text of the event, or a plain value."""
        value = self._value(alarm, EVENT)
        own = part(value, self.marks[1], 9) or (value if self.marks[1] not in value else "")
        text = plain(self._value(alarm, "8") or own, self.marks)
        return "".join(one if one.isprintable() else " " for one in text)


def nothing_found(reported: Reported) -> Refusal | None:
    """Return why a message is no report of an alarm, None if it is one."""
    if reported.frames or reported.alerts or reported.alive:
        return None
    reason = next((one for one in reported.faults if one != "damaged-patient"), "no-alarm")
    return Refusal(reason, "no alarm of an OBX with MDC_EVT_ALARM, a device and a time was found")
