"""A body as it was before the sender compressed it, and never more of it than a bound."""

import zlib
from collections.abc import Callable
from typing import Final

import zstandard

GZIP: Final = 31
"""zlib's number for the gzip format, its largest window."""

MEMBERS_MAX: Final = 128
"""Of a body, one behind the other; each costs a copy of what is behind it."""

WINDOW_BYTES_MAX: Final = 8_388_608
"""Of zstd: more memory than this no sender may make us take (RFC 9659)."""


class TooLarge(Exception):
    """It is larger than it may be."""


class Damaged(Exception):
    """It is not in the coding that it names."""


def _identity(body: bytes, bytes_max: int) -> bytes:
    return body


def _gzip(body: bytes, bytes_max: int) -> bytes:
    pieces: list[bytes] = []
    room = bytes_max + 1
    members = 0
    while body:  # a file of gzip may be several, one behind the other
        members += 1
        if members > MEMBERS_MAX:
            raise TooLarge(f"more than {MEMBERS_MAX} gzip members")
        unpack = zlib.decompressobj(GZIP)
        try:
            pieces.append(unpack.decompress(body, room))
        except zlib.error:
            raise Damaged("the body is no gzip") from None
        room -= len(pieces[-1])
        if room <= 0:
            break
        if not unpack.eof:
            raise Damaged("the body's gzip ends before its end")
        body = unpack.unused_data
    return b"".join(pieces)


def _zstd(body: bytes, bytes_max: int) -> bytes:
    unpack = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX)
    pieces: list[bytes] = []
    room = bytes_max + 1
    try:
        with unpack.stream_reader(body, read_across_frames=True) as reader:
            while room > 0 and (piece := reader.read(room)):
                pieces.append(piece)
                room -= len(piece)
        if room > 0:
            _see_that_zstd_is_whole(body)
    except zstandard.ZstdError:
        raise Damaged("the body is no zstd") from None
    return b"".join(pieces)


def _see_that_zstd_is_whole(body: bytes) -> None:
    """Unpack once more what is known to be small: the reader above does not tell an end that is missing."""
    for _ in range(MEMBERS_MAX):
        if not body:
            return
        unpack = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX).decompressobj()
        unpack.decompress(body)
        if not unpack.eof:
            raise Damaged("the body's zstd ends before its end")
        body = unpack.unused_data
    raise TooLarge(f"more than {MEMBERS_MAX} zstd frames")


CODINGS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "": _identity,
    "identity": _identity,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "zstd": _zstd,
}
"""By the value of Content-Encoding."""


def unpacked(body: bytes, coding: str, bytes_max: int) -> bytes:
    """Return the body without its coding, a key of `CODINGS`.

    Raises:
        TooLarge: it has more than `bytes_max` bytes; no more than one beyond were ever made.
        Damaged: it is not in that coding.
    """
    found = CODINGS[coding](body, bytes_max)
    if len(found) > bytes_max:
        raise TooLarge(f"more than {bytes_max} bytes")
    return found
