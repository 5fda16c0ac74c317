"""Web push: a phone is woken by its browser's push service, with no patient in what it shows.

pywebpush 2.5.0 writes into the claims that it is given, sets a TTL of 0 (thrown away where the phone is off) and no
urgency or time-out, and sends more than 4,096 bytes unchecked: all of that is set here. It blocks, so it runs in a few
threads of this channel's own; a thread that hangs ends with the connection's time-out.
"""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from py_vapid import Vapid
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pywebpush import WebPushException, webpush

from edge.channels.http_post import outcome_of
from edge.channels.options import Options
from edge.channels.page import Event, Outcome, Page, Refused, Retry, Sent, Why
from edge.channels.texts import discreet
from streams.errors import UsageError

FOLLOWS: Final = frozenset[Event]({"start", "update", "end"})
TTL_S_MIN: Final = 60
"""A push service may drop what is meant for less at once."""

PAYLOAD_BYTES_MAX: Final = 3_000
"""Below the 4,096 bytes that every push service takes, with room for padding and encryption. Source: RFC 8030, 7.2."""

THREADS_MAX: Final = 16
TOPIC_CHARACTERS: Final = 32
"""Of the header by which a newer message replaces one that has not arrived. Source: RFC 8030, 5.4."""


class Subscription(BaseModel):
    """What a browser gave when its user subscribed."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    endpoint: str = Field(pattern=r"^https?://", max_length=2_048)
    keys: dict[str, str] = Field(max_length=4)


class WebPushOptions(Options):
    """`subscriptions`: a JSON file of recipient to subscriptions. `subject`: whom a push service may write to."""

    concurrency: int = Field(default=THREADS_MAX, ge=1, le=THREADS_MAX)
    subscriptions: Path
    subject: str = Field(pattern=r"^(mailto:|https://)", max_length=200)
    key_file: Path
    insecure_http: bool = False


Subscriptions = TypeAdapter(dict[str, list[Subscription]])


class WebPush:
    """Sends to the subscriptions of a recipient."""

    follows = FOLLOWS
    renew_s = 0.0

    def __init__(self, options: WebPushOptions) -> None:
        self._options = options
        self._read_at: tuple[float, int] = (-1.0, -1)
        self._of: dict[str, list[Subscription]] = {}
        self._gone: set[str] = set()
        try:
            self._key = Vapid.from_file(private_key_file=str(options.key_file))
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"key_file: no VAPID key in {options.key_file}: {type(error).__name__}"
            ) from None
        self._read()
        self._threads = ThreadPoolExecutor(options.concurrency, thread_name_prefix="web-push")

    async def start(self) -> None:
        """Do nothing: a connection is made for each message."""

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Send to every subscription of the recipient; one that takes it is enough."""
        self._read()
        known = self._of.get(page.recipient) or self._of.get("*", [])
        wanted = [one for one in known if one.endpoint not in self._gone]
        if not wanted:
            return Refused(
                Why.GONE, "the recipient has no subscription" if not known else "every subscription is gone"
            )
        payload = payload_of(page)
        loop = asyncio.get_running_loop()
        tries = [
            loop.run_in_executor(self._threads, self._push, one, payload, page, deadline_s) for one in wanted
        ]
        try:
            async with asyncio.timeout(deadline_s):
                found = await asyncio.gather(*tries)
        except TimeoutError:
            return Retry(Why.TIMEOUT, f"no answer within {deadline_s:.1f} s")
        return joined(found)

    async def close(self) -> None:
        """Let the threads end; one that hangs ends with its connection's time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _push(self, one: Subscription, payload: str, page: Page, deadline_s: float) -> Outcome:
        try:
            answer = webpush(
                subscription_info={"endpoint": one.endpoint, "keys": dict(one.keys)},
                data=payload,
                vapid_private_key=self._key,
                vapid_claims=claims(one.endpoint, self._options.subject, int(time.time())),
                ttl=ttl_s(page, time.time_ns() // 1_000_000),
                headers={"Urgency": "high", "Topic": page.alert.episode[:TOPIC_CHARACTERS]},
                timeout=deadline_s,
            )
        except WebPushException as error:
            return self._refused(one, error.response)
        except requests.Timeout:
            return Retry(Why.TIMEOUT, f"no answer within {deadline_s:.1f} s")
        except (requests.RequestException, OSError) as error:
            return Retry(Why.UNREACHABLE, f"no answer: {type(error).__name__}")
        except (ValueError, TypeError) as error:  # keys that are none
            return Refused(Why.REFUSED, f"the subscription cannot be used: {type(error).__name__}")
        return Sent(str(getattr(answer, "headers", {}).get("Location", ""))[:128])

    def _refused(self, one: Subscription, response: Any) -> Outcome:
        if response is None:
            return Refused(Why.REFUSED, "the subscription cannot be used")
        if response.status_code in (404, 410):  # RFC 8030, 7.3: the subscription is no more
            self._gone.add(one.endpoint)
            return Refused(Why.GONE, f"answered {response.status_code}: a subscription is gone")
        return outcome_of(response.status_code, response.headers)

    def _read(self) -> None:
        """Read the subscriptions where their file has changed.

        Raises:
            UsageError: at the start, where it cannot be read; later what was read last counts.
        """
        path = self._options.subscriptions
        try:
            status = path.stat()
            at = (status.st_mtime, status.st_size)
            if at == self._read_at:
                return
            found = Subscriptions.validate_json(path.read_bytes())
            for one in (one for many in found.values() for one in many):
                if urlsplit(one.endpoint).scheme != "https" and not self._options.insecure_http:
                    raise ValueError("https is needed")
        except (OSError, ValidationError, ValueError) as error:
            if self._read_at == (-1.0, -1):
                raise UsageError(f"subscriptions: cannot read {path}: {type(error).__name__}") from None
            return
        self._of, self._read_at, self._gone = found, at, set()


def joined(found: list[Outcome]) -> Outcome:
    """Return what became of a message to several phones: taken by one, else worth another try, else refused."""
    for kind in (Sent, Retry):
        if (one := next((one for one in found if isinstance(one, kind)), None)) is not None:
            return one
    return found[0]


def claims(endpoint: str, subject: str, now_s: int) -> dict[str, str | int]:
    """Return claims for one push service: a fresh dict, as the library writes into it. Source: RFC 8292."""
    parts = urlsplit(endpoint)
    return {"sub": subject, "aud": f"{parts.scheme}://{parts.netloc}", "exp": now_s + 3_600}


def ttl_s(page: Page, now_ms: int) -> int:
    """Return how long the push service keeps the message for a phone that is off: as long as it matters, s."""
    return max(TTL_S_MIN, (page.until_ts_ms - now_ms) // 1000)


def payload_of(page: Page) -> str:
    """Return what the phone shows: no patient, no value, no room for more than a push service takes."""
    text = discreet(page)
    shown = {"id": page.id, "tag": page.alert.episode, "event": page.event, "text": text}
    payload = json.dumps(shown | {"priority": page.alert.priority})
    return payload if len(payload) <= PAYLOAD_BYTES_MAX else json.dumps(shown | {"text": text[:200]})
