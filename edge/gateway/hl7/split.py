"""A message as segments, fields and components: only what is asked for is split.

Fields count as HL7 does, from 1; MSH-1 is the sign between the fields. Signs are those that MSH-1 and MSH-2 declare.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.hl7.charsets import decode

USUAL_MARKS: Final = "|^~\\&"
NULL: Final = '""'
"""HL7's explicit "no value"."""

HEADER_FIELDS_MAX: Final = 40
SEGMENTS_MAX: Final = 4_096
_BEFORE: Final = b"\r\n \t\xef\xbb\xbf"
"""What may stand before MSH: ends of lines, and the mark that some editors put before UTF-8."""


@dataclass(frozen=True, slots=True)
class Header:
    """The MSH segment in bytes, as it came: an answer repeats parts of it.

    `marks` are the signs between fields, components and repetitions, for escapes and between subcomponents.
    """

    fields: tuple[bytes, ...]
    marks: str

    def field(self, number: int) -> bytes:
        """Return MSH-`number`, from 2; empty where there is none."""
        return self.fields[number - 1] if number <= len(self.fields) else b""

    def text(self, number: int) -> str:
        """Return MSH-`number` as text; what is beyond ASCII counts as damaged."""
        return self.field(number).decode("ascii", "replace")

    def component(self, number: int, component: int) -> str:
        """Return a component (from 1) of MSH-`number` as text."""
        return part(self.text(number), self.marks[1], component)

    @property
    def kind(self) -> str:
        """The message's type and event, for example `ORU^R01`."""
        return f"{self.component(9, 1)}^{self.component(9, 2)}"


def read_header(block: bytes) -> Header | None:
    """Return the header of a message, or of the beginning of one; None if it does not begin with one."""
    start = block.lstrip(_BEFORE) if block[:3] != b"MSH" else block
    if start[:3] != b"MSH" or len(start) < 8:
        return None
    end = min((at for at in (start.find(b"\r"), start.find(b"\n")) if at >= 0), default=len(start))
    fields = start[:end].split(start[3:4], HEADER_FIELDS_MAX)
    if len(fields) < 2:
        return None
    # `^~&` stands in examples of IHE's own: a program that writes messages took the backslash for an escape.
    signs = start[3:4] + (b"^~\\&" if fields[1] == b"^~&" else fields[1][:4])
    marks = _marks_of(signs)
    return Header(tuple(fields), marks) if marks else None


@lru_cache(maxsize=256)
def _marks_of(signs: bytes) -> str:
    """Return the signs of MSH-1 and MSH-2 with the usual ones for what they leave out; empty if they are none.

    A sign that is a letter, a digit or used twice would split values, not fields.
    """
    marks = signs.decode("ascii", "replace") + USUAL_MARKS[len(signs) :]
    if len(signs) < 2 or len(set(marks)) < len(marks):
        return ""
    return "" if any(mark.isalnum() or mark.isspace() for mark in marks) else marks


def read_segments(block: bytes, header: Header, charset: str | None) -> list[str] | Refusal:
    """Return the segments of a message as text; segments end in CR, LF or both.

    Args:
        block: the message.
        header: its header.
        charset: set for the sender, in the place of MSH-18.
    """
    text = decode(block, header.text(18).split(header.marks[2], 1)[0], charset)
    if text is None:
        return Refusal("charset", "the character set that MSH-18 names is not known")
    if "\n" in text:
        text = text.replace("\n", "\r")
    segments = text.split("\r", SEGMENTS_MAX)
    if len(segments) > SEGMENTS_MAX:
        return Refusal("too-long", f"more than {SEGMENTS_MAX} segments")
    return segments


def field(fields: list[str], number: int) -> str:
    """Return a field of a split segment (not MSH), from 1; empty where there is none."""
    return fields[number] if number < len(fields) else ""


def part(text: str, mark: str, number: int) -> str:
    """Return a part of a field between the signs `mark`, from 1; empty where there is none."""
    if mark not in text:
        return text if number == 1 else ""
    parts = text.split(mark, number)
    return parts[number - 1] if number <= len(parts) else ""


def plain(text: str, marks: str) -> str:
    """Return a value without its escapes, blanks around it cut, HL7's null as an empty text."""
    if marks[3] in text:
        text = _unescaped(text, marks)
    text = text.strip()
    return "" if text == NULL else text


@lru_cache(maxsize=1_024)
def _unescaped(text: str, marks: str) -> str:
    """Replace the escapes of signs (F, S, R, E, T) and of bytes (X and hex digits); leave others out."""
    signs = {"F": marks[0], "S": marks[1], "R": marks[2], "E": marks[3], "T": marks[4]}
    out: list[str] = []
    parts = text.split(marks[3])
    if len(parts) % 2 == 0:
        return text  # one sign too many: nothing is an escape for certain
    for place, piece in enumerate(parts):
        if place % 2 == 0:
            out.append(piece)
        elif piece in signs:
            out.append(signs[piece])
        elif piece[:1] == "X":
            try:
                out.append(bytes.fromhex(piece[1:]).decode("utf-8", "replace"))
            except ValueError:
                out.append("\N{REPLACEMENT CHARACTER}")
    return "".join(out)
