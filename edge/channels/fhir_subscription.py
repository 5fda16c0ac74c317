"""A FHIR subscriber by rest-hook: each event of an alarm is posted as a notification, with handshake and heartbeats.

The subscription is the operator's, in the routing file: who is told, over what, and when it is given up is decided as
for every channel. An alarm waits for no handshake: a subscriber that has not answered one is sent alarms all the same.
"""

import asyncio
import json
import logging
import time
import uuid
from collections import OrderedDict
from contextlib import suppress
from typing import Annotated, Final, Literal

from pydantic import AnyHttpUrl, Field

from edge.channels.fhir_notification import Content, Happened, Kind, Subscription, notification
from edge.channels.http_post import HttpPost, outcome_of
from edge.channels.options import BearerOptions
from edge.channels.page import Event, Outcome, Page, Retry, Sent
from edge.fhir.alarm_flags import alarm_of
from edge.fhir.versions import FhirVersion, content_type
from edge.ward_state import CANARY

FOLLOWS: Final = frozenset[Event]({"start", "update", "acknowledge", "end"})
VERSIONS: Final[dict[str, FhirVersion]] = {"R4": "4.0", "R5": "5.0"}
NUMBERED_MAX: Final = 20_000
"""Messages whose event numbers are remembered for their next try: twice as many as may wait (`line.WAITING_MAX`)."""

HANDSHAKE_AGAIN_S: Final = (1.0, 30.0)
"""The first and the longest wait before a handshake is tried again, s; each is twice the one before."""

HEARTBEAT_AGAIN_S: Final = 5.0

logger = logging.getLogger(__name__)


class FhirSubscriptionOptions(BearerOptions):
    """`url`: the subscriber's. `base`: of the board's door for FHIR, where topic and resources are read.

    `subscription` is its id.
    """

    base: AnyHttpUrl
    subscription: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")] = "vigil"
    fhir: Literal["R4", "R5"] = "R4"
    content: Content = "full-resource"
    heartbeat_s: float = Field(default=60.0, ge=1, le=86_400)


class FhirSubscription(HttpPost):
    """Posts to one subscriber."""

    follows = FOLLOWS
    renew_s = 0.0

    def __init__(self, options: FhirSubscriptionOptions) -> None:
        super().__init__()
        version = VERSIONS[options.fhir]
        base = str(options.base).rstrip("/")
        self._to = Subscription(base, options.subscription, version, options.content)
        self._url, self._heartbeat_s, self._attempt_s = (
            str(options.url),
            options.heartbeat_s,
            options.attempt_s,
        )
        self._headers = {"Content-Type": content_type(version), **options.authorization}
        # Begins at the time, so that no number comes again after a restart, or from another sender.
        self._last_number = time.time_ns() // 1_000
        self._numbers: OrderedDict[str, int] = OrderedDict()
        self._told_s = time.monotonic()
        self._is_heard = True
        """Whether the last handshake or heartbeat was taken: a failure is told once."""
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin the handshake, and after it heartbeats; returns at once."""
        self._keeping = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """End heartbeats and close the connections."""
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
        await super().close()

    async def send(self, page: Page, attempt: int, deadline_s: float) -> Outcome:
        """Post one event; each try of a message has the same Bundle id and event number.

        A canary's alert proves the way and is no alarm: it goes as a heartbeat, for no end would close its Flag.
        """
        if page.alert.rule == CANARY:
            return await self._post("heartbeat", page.id, deadline_s)
        happened = Happened(
            number=self._number(page.id),
            alarm=alarm_of(page.alert),
            is_new=page.event == "start",
            has_evidence=_says_what_was_measured(page),
        )
        return await self._post("event-notification", page.id, deadline_s, happened)

    def _number(self, page_id: str) -> int:
        if page_id not in self._numbers:
            self._last_number += 1
            self._numbers[page_id] = self._last_number
            if len(self._numbers) > NUMBERED_MAX:
                self._numbers.popitem(last=False)
        return self._numbers[page_id]

    async def _post(
        self, kind: Kind, bundle_id: str, deadline_s: float, happened: Happened | None = None
    ) -> Outcome:
        now_ms = time.time_ns() // 1_000_000
        said = notification(self._to, kind, bundle_id, self._last_number, now_ms, happened)
        answer = await self.post(self._url, json.dumps(said).encode(), self._headers, deadline_s)
        found = answer if isinstance(answer, Retry) else outcome_of(answer[0], answer[1])
        if isinstance(found, Sent):
            self._told_s = time.monotonic()
        return found

    async def _keep(self) -> None:
        """Shake hands until the subscriber answers, then let it hear something every so often."""
        wait_s, longest_s = HANDSHAKE_AGAIN_S
        while not await self._is_taken("handshake"):
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, longest_s)
        while True:
            rest_s = self._told_s + self._heartbeat_s - time.monotonic()
            if rest_s > 0:
                await asyncio.sleep(rest_s)
            elif not await self._is_taken("heartbeat"):
                await asyncio.sleep(HEARTBEAT_AGAIN_S)

    async def _is_taken(self, kind: Kind) -> bool:
        found = await self._post(kind, str(uuid.uuid4()), self._attempt_s)
        is_taken = isinstance(found, Sent)
        if not isinstance(found, Sent) and self._is_heard:
            logger.warning("a FHIR subscriber has not taken its %s: %s", kind, found.said)
        self._is_heard = is_taken
        return is_taken


def _says_what_was_measured(page: Page) -> bool:
    """Tell whether there is new evidence: without a value it would stand in the place of the one that had one."""
    said = page.alert.evidence
    is_bound = page.event == "update" and said.bound is not None  # others only repeat it
    return page.event == "start" or (said.value is not None and not page.is_over) or is_bound
