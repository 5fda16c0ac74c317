"""A signed webhook by the Standard Webhooks specification: id, time and HMAC-SHA-256 in the headers.

The id is the message's, the same with each try: a receiver drops what it has had. A receiver may answer with
`{"milestone": "delivered"}` (or `shown`, `accepted`, `rejected`), where it knows that.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Final

from pydantic import Field

from edge.channels.http_post import HttpPost, outcome_of, read_json
from edge.channels.options import HttpOptions
from edge.channels.page import Event, Outcome, Page, Retry, Sent
from edge.channels.secret_files import read_secret
from edge.channels.texts import summary
from streams.contracts.deliveries import Milestone
from streams.errors import UsageError

FOLLOWS: Final = frozenset[Event]({"start", "update", "acknowledge", "end"})
SECRET_PREFIX: Final = "whsec_"
SECRET_BYTES: Final = (24, 64)
"""How long a secret may be. Source: Standard Webhooks, "Signature scheme"."""

FURTHER: Final[dict[str, Milestone]] = {
    "delivered": "delivered",
    "shown": "shown",
    "accepted": "accepted",
    "rejected": "rejected",
}
REFERENCE_CHARS_MAX: Final = 128


class WebhookOptions(HttpOptions):
    """`key_files`: of secrets, the present and the next. `follow`: whether changes and ends are sent, too."""

    key_files: tuple[Path, ...] = Field(min_length=1, max_length=2)
    follow: bool = True
    headers: dict[str, str] = Field(default_factory=dict, max_length=20)


class Webhook(HttpPost):
    """Posts to one receiver. Several secrets sign each message: the receiver's change from one to the next."""

    renew_s = 0.0

    def __init__(self, options: WebhookOptions) -> None:
        super().__init__()
        self.follows = FOLLOWS if options.follow else frozenset[Event]({"start"})
        self._url, self._more = str(options.url), options.headers
        self._keys = tuple(secret_bytes(read_secret(path, "key_files")) for path in options.key_files)

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Post one message."""
        body = json.dumps(message(page)).encode()
        headers = {
            **self._more,
            "Content-Type": "application/json",
            **signed(page.id, int(time.time()), body, self._keys),
        }
        answer = await self.post(self._url, body, headers, deadline_s)
        if isinstance(answer, Retry):
            return answer
        found = outcome_of(answer[0], answer[1])
        if not isinstance(found, Sent):
            return found
        said = read_json(answer[2])
        return Sent(str(said.get("id", ""))[:REFERENCE_CHARS_MAX], FURTHER.get(str(said.get("milestone"))))


def secret_bytes(text: str) -> bytes:
    """Return a secret as bytes: base64, with or without `whsec_` before it.

    Raises:
        UsageError: it is none, or too short to be one.
    """
    try:
        found = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if not SECRET_BYTES[0] <= len(found) <= SECRET_BYTES[1]:
        raise UsageError(
            f"key_files: a webhook's secret is {SECRET_BYTES[0]} to {SECRET_BYTES[1]} bytes in base64"
        )
    return found


def signed(page_id: str, now_s: int, body: bytes, keys: tuple[bytes, ...]) -> dict[str, str]:
    """Return the headers that prove a message. Pure; the time is in seconds."""
    text = f"{page_id}.{now_s}.".encode() + body
    found = (base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": page_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(f"v1,{one}" for one in found),
    }


def message(page: Page) -> dict[str, object]:
    """Return what is posted. Pure."""
    return {
        "type": f"alarm.{page.event}",
        "timestamp": page.alert.event_ts_ms,
        "data": {
            "text": summary(page),
            "ward": page.ward,
            "recipient": page.recipient,
            "step": page.step,
            "alert": page.alert.model_dump(mode="json"),
        },
    }
