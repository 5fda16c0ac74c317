"""IHE PCD-04 (ORU^R40^ORU_R40): an alarm as an HL7 message, composed from the alert's seven facets. Pure.

Source: IHE PCD Technical Framework, Alert Communication Management, as HL7 SDPi's gateway chapter repeats it: facets
1 to 7 as OBX with the sub-ids `.1` to `.7`, the alarm's own id in OBR-29 of all that follows its start.
"""

import time
from typing import Final

from clinical.vitals import SIGNALS
from edge.channels.page import Page
from streams.contracts.alert import Alert, AlertType, Priority

EVENTS: Final = {"MDC_EVT_HI": 196_648, "MDC_EVT_LO": 196_670, "MDC_EVT_ALARM": 196_616}
PRIORITIES: Final[dict[Priority, str]] = {"high": "PH", "medium": "PM", "low": "PL"}
TYPES: Final[dict[AlertType, str]] = {"physiological": "SP", "technical": "ST", "advisory": "SA"}
FACETS: Final = {
    3: (68_481, "MDC_ATTR_EVENT_PHASE"),
    4: (68_482, "MDC_ATTR_ALARM_STATE"),
    5: (68_483, "MDC_ATTR_ALARM_INACTIVATION_STATE"),
    6: (68_484, "MDC_ATTR_ALARM_PRIORITY"),
    7: (68_485, "MDC_ATTR_ALERT_TYPE"),
}
SOURCE: Final = "68480^MDC_ATTR_ALERT_SOURCE^MDC"
PROFILE: Final = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.4.1^ISO"
_ESCAPES: Final = str.maketrans(
    {mark: f"\\{letter}\\" for mark, letter in zip("|^~\\&", "FSRET", strict=True)}
)
_MDC: Final = {signal.name: f"{signal.mdc}^{signal.mdc_name}^MDC" for signal in SIGNALS if signal.mdc}
CONTROL_ID_CHARS_MAX: Final = 199
"""Of MSH-10 in HL7 2.6."""


def compose(page: Page, parties: tuple[str, str, str, str], application_ack: str, now_ms: int) -> str:
    r"""Return a message, segments ending in `\r`.

    Args:
        page: what is told; its id is the control id, the same with each try.
        parties: MSH-3 to MSH-6.
        application_ack: MSH-16, `AL` or `NE`.
        now_ms: time of sending, ms.
    """
    alert = page.alert
    header = [r"MSH|^~\&", *map(escaped, parties), stamp(now_ms), "", "ORU^R40^ORU_R40"]
    header += [page.id[:CONTROL_ID_CHARS_MAX], "P", "2.6", "", "", "AL", application_ack, "", "UNICODE UTF-8"]
    segments = [
        "|".join([*header, "", "", PROFILE]),
        f"PID|||{escaped(alert.patient)}^^^VIGIL^PI||^^^^^^U",
        f"PV1||I|{escaped(page.ward)}",
        _order(alert),
        *_facets(alert),
    ]
    return "\r".join(segments) + "\r"


def _order(alert: Alert) -> str:
    """Return OBR: this event's id, and the alarm's where this is not its beginning."""
    parent = "" if alert.phase == "start" else f"^{alert.episode}&VIGIL"
    fields = {1: "1", 3: f"{alert.id}^VIGIL", 4: _event(alert), 7: stamp(alert.onset_ts_ms), 29: parent}
    return "|".join(["OBR", *(fields.get(number, "") for number in range(1, 30))]).rstrip("|")


def _event(alert: Alert) -> str:
    return (
        f"{EVENTS[alert.event]}^{alert.event}^MDC"
        if alert.event in EVENTS
        else f"^{escaped(alert.event)}^MDC"
    )


def _facets(alert: Alert) -> list[str]:
    texts = {
        3: alert.phase,
        4: alert.state,
        5: alert.inactivation,
        6: PRIORITIES[alert.priority],
        7: TYPES[alert.type],
    }
    first = _observation(1, "ST", _event(alert), escaped(alert.reason), at_ms=alert.event_ts_ms)
    rest = [
        _observation(number, "ST", f"{code}^{name}^MDC", texts[number])
        for number, (code, name) in FACETS.items()
    ]
    return [first, _source(alert), *rest]


def _source(alert: Alert) -> str:
    """Return facet 2: the signal with its value, unit and limits in force, or what else is the source."""
    source, evidence = alert.source, alert.evidence
    code = _MDC.get(source.name) if source.kind in ("signal", "trend") else None
    if code is None or evidence.value is None:
        return _observation(2, "ST", code or SOURCE, "" if code else escaped(source.name))
    limits = f"{_number(evidence.low)}-{_number(evidence.high)}"
    unit = escaped(source.unit or "")
    return _observation(2, "NM", code, _number(evidence.value), f"{unit}^{unit}^UCUM" if unit else "", limits)


def _observation(
    facet: int, kind: str, code: str, value: str, unit: str = "", limits: str = "", at_ms: int | None = None
) -> str:
    fields = [str(facet), kind, code, f"1.1.1.1.{facet}", value, unit, limits.strip("-"), "", "", "", "R"]
    fields += ["", "", stamp(at_ms)] if at_ms is not None else []
    return "|".join(["OBX", *fields])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def escaped(text: str) -> str:
    """Return a text in which no sign of HL7's own is left, on one line."""
    return "".join(one if one.isprintable() else " " for one in text).translate(_ESCAPES)


def stamp(ts_ms: int) -> str:
    """Return a time in HL7's form with milliseconds, UTC."""
    return f"{time.strftime('%Y%m%d%H%M%S', time.gmtime(ts_ms // 1000))}.{ts_ms % 1000:03d}+0000"
