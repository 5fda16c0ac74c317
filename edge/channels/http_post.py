"""One POST of a channel: a deadline, a bound on what is read back, and what an answer's status means."""

import email.utils
import json
import time
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from pydantic import AnyHttpUrl

from edge.channels.page import Outcome, Refused, Retry, Sent, Why

ANSWER_BYTES_MAX: Final = 16_384
SAID_CHARS_MAX: Final = 120
RETRY_AFTER_S_MAX: Final = 86_400.0
CONNECTIONS_MAX: Final = 32
"""Of one channel; the pool sends fewer at a time."""

LATER: Final = frozenset({408, 425, 429})
"""Statuses below 500 that ask for another try. Source: RFC 9110, RFC 8470, RFC 6585."""


FOR_GOOD: Final = frozenset({400, 410, 413, 414, 415, 422})
"""Statuses that speak of the message itself, or say that the address is no more (410): trying again mends nothing."""


class HttpPost:
    """Posts of one channel over connections of their own; follows no redirect: a page goes where it was sent.

    Every channel that speaks HTTP is one.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], deadline_s: float
    ) -> tuple[int, Mapping[str, str], bytes] | Retry:
        """Return status, headers and the beginning of the answer; `Retry` where none came within `deadline_s`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX), auto_decompress=False
            )
        try:
            timeout = aiohttp.ClientTimeout(total=deadline_s)
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, answer.headers, await _beginning(answer.content)
        except TimeoutError:
            return Retry(Why.TIMEOUT, f"no answer within {deadline_s:.1f} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of an error may hold the address with what is secret in it: only its kind is said.
            return Retry(Why.UNREACHABLE, f"no answer: {type(error).__name__}")

    async def start(self) -> None:
        """Do nothing: connections are made with the first message."""

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    found = b""
    while len(found) < ANSWER_BYTES_MAX and (piece := await content.read(ANSWER_BYTES_MAX - len(found))):
        found += piece
    return found


def outcome_of(status: int, headers: Mapping[str, str], reference: str = "") -> Outcome:
    """Return what a status means."""
    if 200 <= status < 300:
        return Sent(reference)
    said = f"answered {status}"
    if status == 429:
        return Retry(Why.BUSY, said, retry_after_s(headers, time.time()))
    if status >= 500 or status in LATER:
        return Retry(Why.SERVER, said, retry_after_s(headers, time.time()))
    if status in (401, 403):
        return Retry(Why.DENIED, said)  # a key may be changed meanwhile; until then the breaker tells of it
    if status in FOR_GOOD:
        return Refused(Why.REFUSED, said)
    return Retry(Why.REFUSED, said)  # such as 404 while what stands before the receiver is exchanged


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float:
    """Return what `Retry-After` asks for, seconds or a date (RFC 9110 10.2.3); 0 where it says nothing."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), RETRY_AFTER_S_MAX)
    try:
        moment_s = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    return min(max(0.0, moment_s - now_s), RETRY_AFTER_S_MAX)


def read_json(body: bytes) -> dict[str, Any]:
    """Return the object that an answer holds; an empty one for anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def checked_url(url: AnyHttpUrl, of: str, insecure: bool) -> str:
    """Return a provider's address.

    Raises:
        ValueError: it is not https, and neither loopback nor allowed: a page would go over the network in clear.
    """
    loopback = url.host in ("127.0.0.1", "localhost", "[::1]")
    if url.scheme != "https" and not loopback and not insecure:
        raise ValueError(f"{of}: https is needed; insecure_http = true allows the page to be read on its way")
    return str(url)
