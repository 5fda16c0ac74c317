"""MLLP: the messages in a stream of bytes, each between VT and FS, and what is no message.

Source: HL7 Implementation Support Guide, Minimal Lower Layer Protocol: `<VT> message <FS><CR>`. What senders do beside
it: LF or nothing after FS, a VT or FS twice, a new VT without an FS before it.
"""

from dataclasses import dataclass
from typing import Final

VT: Final = b"\x0b"
FS: Final = b"\x1c"
CR: Final = b"\r"

MESSAGE_BYTES_MAX: Final = 1_048_576
"""A PCD-01 of every signal is under 10 kB; hospitals send documents inside messages, but not to us."""

STRAY_BYTES_MAX: Final = 4_096
"""Between two messages. A peer that sends more speaks another protocol."""

HEAD_BYTES: Final = 1_024
"""Of a message that is not taken, the beginning is kept: its answer needs the header."""

_BLANK: Final = b"\r\n \t\x00\x0b\x1c"


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that are no message: why, and how they begin. `fatal`: nothing after them can be trusted."""

    reason: str
    head: bytes
    fatal: bool = False


class Framer:
    """Takes what a socket reads, in pieces of any size, and gives the messages that are complete.

    Args:
        bytes_max: longest message that is kept.
    """

    def __init__(self, bytes_max: int = MESSAGE_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._begun = False
        self._held = bytearray()
        self._too_long = False
        self._lost = False

    @property
    def open(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._begun

    @property
    def held_bytes(self) -> int:
        """Bytes of the message that has not ended."""
        return len(self._held)

    @property
    def head(self) -> bytes:
        """How the message that has not ended begins."""
        return bytes(self._held[:HEAD_BYTES])

    def feed(self, data: bytes) -> list[bytes | Broken]:
        """Return what is complete now, in the order of the stream."""
        found: list[bytes | Broken] = []
        at, size = 0, len(data)
        end = data.find(FS)
        while at < size and not self._lost:
            if 0 <= end < at:  # looked for once each: who sends nothing but VTs must not cost their square
                end = data.find(FS, at)
            start = data.find(VT, at, end if end >= 0 else size)
            if start >= 0:
                if (one := self._close(data[at:start], ended=False)) is not None:
                    found.append(one)
                self._begun = True
                at = start + 1
            elif end >= 0:
                if (one := self._close(data[at:end], ended=True)) is not None:
                    found.append(one)
                at = end + 1
            else:
                if (one := self._keep(data[at:])) is not None:
                    found.append(one)
                break
        return found

    def _keep(self, piece: bytes) -> Broken | None:
        """Hold a piece of what has not ended."""
        if not self._begun:
            self._held += piece if self._held else piece.lstrip(_BLANK)
            return self._stray() if len(self._held) > STRAY_BYTES_MAX else None
        if not self._too_long:
            self._held += piece
        if len(self._held) > max(self._bytes_max, HEAD_BYTES):
            self._too_long = True  # told once it has ended, so that each message has one answer
            del self._held[HEAD_BYTES:]
        return None

    def _stray(self) -> Broken:
        """Give up: this is another protocol."""
        self._lost = True
        head = bytes(self._held[:HEAD_BYTES])
        self._held.clear()
        return Broken("not-mllp", head, fatal=True)

    def _close(self, piece: bytes, ended: bool) -> bytes | Broken | None:
        """Return what lies between the last sign and this one: a message, something broken, or nothing."""
        if not self._begun and (given_up := self._keep(piece)) is not None:
            return given_up
        begun, too_long = self._begun, self._too_long
        whole = bytes(self._held) + (piece if begun else b"") if self._held else piece
        self._begun, self._too_long = False, False
        self._held.clear()
        if not whole.strip(_BLANK):
            return None
        if not begun:
            # Before a VT stands at most a line's end. Text that an FS ends is a message whose VT was lost.
            return Broken("no-start", whole[:HEAD_BYTES]) if ended else None
        if too_long or len(whole) > self._bytes_max:
            return Broken("too-long", whole[:HEAD_BYTES])
        if ended:
            return whole
        # It was cut off: its last segments may be missing.
        return Broken("no-end", whole[:HEAD_BYTES])
