"""PCD-04 messages as bedsides send them, for tests."""

from hl7_world import DEVICE, STAMP, block, msh

PATIENT = "PID|||MRN1^^^HOSP^MR||Doe^Jane"
ASYSTOLE = "199684^MDC_EVT_ECG_ASYSTOLE^MDC"


def alarm(
    event, phase="start", state="active", source="", priority="PH", kind="SP", path="1.2.1.150456", **more
):
    """Return the OBX of one alarm."""
    end = f"||||||R|||{STAMP}||||{DEVICE}^MON"
    facets = [
        ("CWE", "196616^MDC_EVT_ALARM^MDC", event),
        ("CWE", "68480^MDC_ATTR_ALERT_SOURCE^MDC", source),
        ("ST", "68481^MDC_ATTR_EVENT_PHASE^MDC", phase),
        ("ST", "68482^MDC_ATTR_ALARM_STATE^MDC", state),
        ("ST", "68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC", more.get("inactivation", "")),
        ("ST", "68484^MDC_ATTR_ALARM_PRIORITY^MDC", priority),
        ("ST", "68485^MDC_ATTR_ALERT_TYPE^MDC", kind),
    ]
    return [
        f"OBX|{at}|{type_}|{code}|{path}.{at}|{value}{end}"
        for at, (type_, code, value) in enumerate(facets, 1)
    ]


def message(*alarms, message_id="1", order="77^MON", parent=""):
    """Return the message of some alarms."""
    obr = f"OBR|1||{order}|196616^MDC_EVT_ALARM^MDC|||{STAMP}" + "|" * 22 + parent
    return block(
        [
            msh(message_id, "ORU^R40^ORU_R40"),
            PATIENT,
            "PV1||I|ICU^2^7",
            obr,
            *(line for one in alarms for line in one),
        ]
    )
