"""The frames that the driver posts: what connection, device and number each is of can be read back from the topic."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

BOOT: Final = 1
_READINGS: Final = (
    b'"interval_ms":1000,"hr":80,"pulse":80,"spo2":97,"resp":15,"abp_sys":120,"abp_dia":80,"abp_mean":93}'
)
_HEAD: Final = (
    b"POST /v1/readings HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-ndjson\r\n"
    b"Content-Length: %d\r\n\r\n"
)
identity_in: Final = re.compile(rb'"device":"g(\d+)-(\d+)","boot":(\d+),"seq":(\d+)').search


@dataclass(frozen=True, slots=True)
class Load:
    """What one driver posts: `frames` devices a request, `depth` frames of each in their order.

    `rate_hz` are requests a second of all connections, planned before the first; 0 = as fast as they are answered.
    """

    port: int
    connections: int
    frames: int
    rate_hz: float
    seconds: float
    boot: int = BOOT
    depth: int = 1

    def numbers(self, requests: list[int]) -> list[int]:
        """Return the numbers of each device's frames in these requests."""
        return [request * self.depth + place for request in requests for place in range(self.depth)]


@lru_cache(maxsize=1_000)
def _beginnings(connection: int, frames: int, boot: int) -> tuple[bytes, ...]:
    """Return each device's line up to its number."""
    return tuple(
        b'{"patient":"g%d-%d","device":"g%d-%d","boot":%d,"seq":'
        % (connection, device, connection, device, boot)
        for device in range(frames)
    )


def request_of(load: Load, connection: int, number: int, now_ms: int) -> bytes:
    """Return a connection's `number`-th request; the lines differ only in how they begin."""
    beginnings = _beginnings(connection, load.frames, load.boot)
    body = b""
    for own_number in load.numbers([number]):
        rest = b'%d,"event_ts_ms":%d,%s\n' % (own_number, now_ms, _READINGS)
        body += rest.join(beginnings) + rest
    return _HEAD % len(body) + body
