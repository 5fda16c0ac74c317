"""The topic of alarms that a program subscribes to: its canonical URL and its SubscriptionTopic. Pure.

Who publishes it is a board's door for FHIR; who sends by it is the channel of kind `fhir-subscription`. Source: HL7
FHIR R5 (5.0.0), SubscriptionTopic, and R4B, which has the same elements as are used here.
"""

from typing import Any, Final

TOPIC_ID: Final = "alarms"
DATE: Final = "2026-11-30"
"""Of what it says."""


def topic_url(base: str) -> str:
    """Return the canonical URL of the topic; `base` is the address of the door, without a slash at its end."""
    return f"{base}/SubscriptionTopic/{TOPIC_ID}"


def subscription_topic(base: str) -> dict[str, Any]:
    """Return the resource."""
    return {
        "resourceType": "SubscriptionTopic",
        "id": TOPIC_ID,
        "url": topic_url(base),
        "version": "1",
        "title": "Alarms",
        "status": "active",
        "date": DATE,
        "description": "An alarm begins, changes its priority, is acknowledged, or ends. Who is told is said by the "
        "operator's routing file; nobody subscribes through this server.",
        "resourceTrigger": [
            {
                "description": "a Flag begins to be active, changes, or becomes inactive",
                "resource": "http://hl7.org/fhir/StructureDefinition/Flag",
                "supportedInteraction": ["create", "update"],
            }
        ],
        "notificationShape": [{"resource": "Flag", "include": ["Flag:detail"]}],
    }
