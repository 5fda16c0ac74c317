"""PagerDuty, Events API v2: one incident an episode, by its `dedup_key`; a lost answer sends the same key again.

Posted by ourselves: PagerDuty's own client (7.2.0) has no key of its own, so that a lost answer becomes a second
incident, does not read `Retry-After`, tries 429 without end and blocks for 60 s a try.
Source of fields and bounds: PagerDuty's Events API v2 reference.
"""

import json
from pathlib import Path
from typing import Final, Literal

from pydantic import AnyHttpUrl, Field, SecretStr

from edge.channels.http_post import HttpPost, outcome_of, read_json
from edge.channels.options import HttpOptions
from edge.channels.page import Event, Outcome, Page, Retry, Sent
from edge.channels.secret_files import read_secret
from edge.channels.texts import iso, summary
from streams.contracts.alert import Priority

FOLLOWS: Final = frozenset[Event]({"start", "update", "acknowledge", "end"})
SUMMARY_CHARS_MAX: Final = 1_024
KEY_CHARS_MAX: Final = 255

ACTION: Final[dict[Event, Literal["trigger", "acknowledge", "resolve"]]] = {
    "start": "trigger",
    "update": "trigger",
    "acknowledge": "acknowledge",
    "end": "resolve",
}
SEVERITY: Final[dict[Priority, str]] = {"high": "critical", "medium": "error", "low": "warning"}
"""Of PagerDuty's four; `info` pages nobody by its usual settings."""


class PagerDutyOptions(HttpOptions):
    """`url`: of the events endpoint. The key of the integration is in a file."""

    key_file: Path
    url: AnyHttpUrl = Field(default=AnyHttpUrl("https://events.pagerduty.com/v2/enqueue"))


class PagerDuty(HttpPost):
    """Posts events of one integration."""

    follows = FOLLOWS
    renew_s = 0.0

    def __init__(self, options: PagerDutyOptions) -> None:
        super().__init__()
        self._url = str(options.url)
        self._key = SecretStr(read_secret(options.key_file, "key_file"))

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Post one event."""
        body = json.dumps(event(page) | {"routing_key": self._key.get_secret_value()}).encode()
        answer = await self.post(self._url, body, {"Content-Type": "application/json"}, deadline_s)
        if isinstance(answer, Retry):
            return answer
        found = outcome_of(answer[0], answer[1])
        if not isinstance(found, Sent):
            return found
        return Sent(str(read_json(answer[2]).get("dedup_key", ""))[:KEY_CHARS_MAX])


def event(page: Page) -> dict[str, object]:
    """Return an event without its routing key. Pure."""
    alert = page.alert
    found: dict[str, object] = {"event_action": ACTION[page.event], "dedup_key": dedup_key(page)}
    if ACTION[page.event] == "trigger":
        found["payload"] = {
            "summary": summary(page)[:SUMMARY_CHARS_MAX],
            "source": f"ward {page.ward}" if page.ward else "no ward",
            "severity": SEVERITY[alert.priority],
            "timestamp": iso(alert.onset_ts_ms),
            "component": alert.source.name,
            "class": alert.rule,
            "custom_details": {"alert": alert.id, "patient": alert.patient, "recipient": page.recipient},
        }
    return found


def dedup_key(page: Page) -> str:
    """Return what names the incident: the episode, so that each step of an escalation is of one incident."""
    return page.alert.episode[:KEY_CHARS_MAX]
