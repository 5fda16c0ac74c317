"""Server-sent events as bytes: encoded once and cut into HTTP chunks, the same object for every viewer.

Source: WHATWG HTML, section 9.2 (event streams); RFC 9112 section 7.1 (chunks).
"""

from collections.abc import Iterable
from typing import Final

import msgspec

LAST_CHUNK: Final = b"0\r\n\r\n"
PADDING: Final = b":" + b" " * 2_048 + b"\n\n"
"""A comment at the beginning: some proxies hold back the first bytes of an answer [M]."""

encode: Final = msgspec.json.Encoder().encode


def event(kind: str, data: bytes, position: str = "") -> bytes:
    """Return one event; `data` is JSON, which has no line ends of its own."""
    head = f"id: {position}\n" if position else ""
    return f"{head}event: {kind}\ndata: ".encode() + data + b"\n\n"


def chunk(payload: bytes) -> bytes:
    """Return bytes as one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def array(items: Iterable[bytes]) -> bytes:
    """Return a JSON array of what is JSON already."""
    return b"[" + b",".join(items) + b"]"


def snapshot(position: str, now_ts_ms: int, wards: bytes, beds: bytes) -> bytes:
    """Return the event of the whole state."""
    head = b'{"position":%b,"now_ts_ms":%d,"wards":%b,"beds":%b}' % (encode(position), now_ts_ms, wards, beds)
    return event("snapshot", head, position)


def beds(position: str, now_ts_ms: int, changed: bytes) -> bytes:
    """Return the event of beds that have changed."""
    data = b'{"position":%b,"now_ts_ms":%d,"beds":%b}' % (encode(position), now_ts_ms, changed)
    return event("beds", data, position)


def gone(position: str, now_ts_ms: int, patients: Iterable[str]) -> bytes:
    """Return the event of beds that are not there any more."""
    data = b'{"position":%b,"now_ts_ms":%d,"gone":%b}' % (encode(position), now_ts_ms, encode(list(patients)))
    return event("gone", data, position)


def clock(now_ts_ms: int, partitions: dict[str, int | None], wards: dict[str, int | None]) -> bytes:
    """Return the event of a second: up to when each partition and each ward was judged, ms, null = never heard."""
    return event("clock", encode({"now_ts_ms": now_ts_ms, "partitions": partitions, "wards": wards}))


def wards(now_ts_ms: int, named: bytes) -> bytes:
    """Return the event of what wards are called; it has no place among the positions."""
    return event("wards", b'{"now_ts_ms":%d,"wards":%b}' % (now_ts_ms, named))
