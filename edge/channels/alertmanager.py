"""Prometheus Alertmanager, API v2: an alarm is posted anew while it lasts. **Its 200 is not a page**, only `taken`.

What it does, seen with 0.35.0: an alert that is not posted again counts as resolved after its `resolve_timeout`; one
with an end in the past is answered with 200 and never told; one bad alert in a post gives 400 while the others of the
post are kept; a start too far in the future is refused. So each alarm is posted alone, with an end of ours that is
renewed while it is open, and its start is never in the future. Group by `episode`: docs/channels.md.
"""

import json
import time
from typing import Final

from pydantic import Field, model_validator

from edge.channels.http_post import HttpPost, outcome_of
from edge.channels.options import BearerOptions
from edge.channels.page import Event, Outcome, Page, Retry
from edge.channels.texts import iso, summary

FOLLOWS: Final = frozenset[Event]({"start", "update", "end"})
END_AGO_MS: Final = 1
"""Alertmanager tells an end that is in the past of its own clock; the clocks of two machines differ."""


class AlertmanagerOptions(BearerOptions):
    """`url`: of the server, without `/api/v2/alerts`. `hold_s`: how long an alarm stands that is not renewed, s."""

    renew_s: float = Field(default=60.0, ge=1, le=600)
    hold_s: float = Field(default=240.0, ge=3, le=3_600)
    labels: dict[str, str] = Field(default_factory=dict, max_length=20)

    @model_validator(mode="after")
    def _held(self) -> "AlertmanagerOptions":
        if self.hold_s < 3 * self.renew_s:
            raise ValueError("hold_s: at least three times renew_s, so that one lost renewal ends no alarm")
        return self


class Alertmanager(HttpPost):
    """Posts alarms to one Alertmanager."""

    follows = FOLLOWS

    def __init__(self, options: AlertmanagerOptions) -> None:
        super().__init__()
        self._options = options
        self._url = f"{str(options.url).rstrip('/')}/api/v2/alerts"
        self._headers = {"Content-Type": "application/json", **options.authorization}
        self.renew_s = options.renew_s

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Post one alarm."""
        now_ms = time.time_ns() // 1_000_000
        body = json.dumps([posted(page, self._options, now_ms)]).encode()
        answer = await self.post(self._url, body, self._headers, deadline_s)
        return answer if isinstance(answer, Retry) else outcome_of(answer[0], answer[1])


def posted(page: Page, options: AlertmanagerOptions, now_ms: int) -> dict[str, object]:
    """Return an alarm as Alertmanager's API takes it. Pure; times in ms.

    The labels are the episode's own and do not change while it lasts: another label would be another alert.
    """
    alert = page.alert
    labels = options.labels | {
        "alertname": alert.rule,
        "episode": alert.episode,
        "patient": alert.patient,
        "recipient": page.recipient,
        "step": str(page.step),
        **({"ward": page.ward} if page.ward else {}),
    }
    starts_ms = min(alert.onset_ts_ms, now_ms)
    ends_ms = now_ms - END_AGO_MS if page.is_over else now_ms + round(options.hold_s * 1000)
    return {
        "labels": labels,
        "annotations": {"summary": summary(page), "priority": alert.priority, "type": alert.type},
        "startsAt": iso(starts_ms),
        "endsAt": iso(max(ends_ms, starts_ms + 1)),
    }
