"""Seals: what proves that a record in the readings, which devices write too, is one that a worker put there.

Such a record says from which record it was made (partition and offset of `vitals.commands`, for a command) and
carries its content with an HMAC-SHA-256 over its own key, that place and the content. Who may write to the readings
but does not know the key can give no orders. A copy of a sealed record is the same order again, not another one.

On its way there, on `vitals.commands`, a command is signed likewise by the door that it came through: over its key and
its content, which holds the person who was signed in.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

DEVELOPMENT_KEY: Final = b"vigil development key, known to all"
"""Seals where no key is set, which is allowed only where the brokers ask nobody who connects."""

KEY_BYTES_MIN: Final = 32
"""As long as the hash: RFC 2104 section 3 discourages shorter keys."""

KEYS_MAX: Final = 2
"""The key in use and the one before it."""

SEAL_BYTES_MAX: Final = 256
"""By how much a sealed or signed record is longer than its content."""


class Place(NamedTuple):
    """The record that a sealed one was made from."""

    partition: int
    offset: int


class Unproven(Exception):
    """A record carries no seal, or a wrong one; the message says which."""


class _Sealed(msgspec.Struct, forbid_unknown_fields=True):
    partition: int
    offset: int
    seal: str
    content: msgspec.Raw


class _Signed(msgspec.Struct, forbid_unknown_fields=True):
    seal: str
    content: msgspec.Raw


_decode = msgspec.json.Decoder(_Sealed).decode
_decode_signed = msgspec.json.Decoder(_Signed).decode
_FAULTS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Seals:
    """Seals records with the first of its keys, and believes those that are sealed with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def seal(self, key: bytes, place: Place, content: bytes) -> bytes:
        """Return the value of a sealed record.

        Args:
            key: the record's key; a seal counts only under the key that it was made for.
            place: the record that it is made from.
            content: JSON.
        """
        content = content.strip(b" \t\r\n")
        said = _hash(self._keys[0], _of_place(key, place, content)).encode()
        head = b'{"partition":%d,"offset":%d,"seal":"%s","content":' % (*place, said)
        return head + content + b"}"

    def opened(self, key: bytes, value: bytes) -> tuple[Place, bytes]:
        """Return where a sealed record comes from and its content, byte for byte as it was sealed.

        Raises:
            Unproven: it is no sealed record, or none of the keys made its seal.
        """
        try:
            found = _decode(value)
        except _FAULTS:
            raise Unproven("no seal") from None
        place, content = Place(found.partition, found.offset), bytes(found.content)
        self._believe(_of_place(key, place, content), found.seal)
        return place, content

    @staticmethod
    def unchecked(value: bytes) -> tuple[Place, bytes]:
        """Return what a sealed record says, for who has no key: it proves nothing.

        Raises:
            Unproven: it is no sealed record.
        """
        try:
            found = _decode(value)
        except _FAULTS:
            raise Unproven("no seal") from None
        return Place(found.partition, found.offset), bytes(found.content)

    def sign(self, key: bytes, content: bytes) -> bytes:
        """Return the value of a signed record, which is of no place yet.

        Args:
            key: the record's key; a signature counts only under the key that it was made for.
            content: JSON.
        """
        content = content.strip(b" \t\r\n")
        said = _hash(self._keys[0], _of_key(key, content)).encode()
        return b'{"seal":"%s","content":' % said + content + b"}"

    def signed(self, key: bytes, value: bytes) -> bytes:
        """Return the content of a signed record, byte for byte as it was signed.

        Raises:
            Unproven: it is no signed record, or none of the keys signed it.
        """
        try:
            found = _decode_signed(value)
        except _FAULTS:
            raise Unproven("no signature") from None
        content = bytes(found.content)
        self._believe(_of_key(key, content), found.seal)
        return content

    def _believe(self, hashed: bytes, seal: str) -> None:
        said = seal.encode(errors="replace")
        if not any(hmac.compare_digest(_hash(each, hashed).encode(), said) for each in self._keys):
            raise Unproven("a wrong seal")


def _of_place(key: bytes, place: Place, content: bytes) -> bytes:
    return b"%b\n%d\n%d\n%b" % (key, *place, content)


def _of_key(key: bytes, content: bytes) -> bytes:
    """Return what is hashed of a signed record: no sealed one has that, because no partition is called so."""
    return b"%b\nsigned\n%b" % (key, content)


def _hash(secret: bytes, hashed: bytes) -> str:
    return hmac.new(secret, hashed, hashlib.sha256).hexdigest()


DEVELOPMENT: Final = Seals((DEVELOPMENT_KEY,))
"""The seals of tests, drills and brokers on one machine."""
