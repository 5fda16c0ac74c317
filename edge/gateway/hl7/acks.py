"""Answers: which one a message gets by MSH-15 and MSH-16 or as set for its sender, and its bytes.

Original mode: AA, AE or AR. Enhanced mode: CA, CE or CR as the commit acknowledgement (MSH-15), AA, AE or AR as the
application's (MSH-16); both are sent where both are asked for, since known clients disagree on which one is final. A
commit is what it says here: CA and AA both mean that Kafka has it (docs/devices.md).
"""

import itertools
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from edge.gateway.accept import Refusal
from edge.gateway.hl7.framing import CR, FS, VT
from edge.gateway.hl7.profile import AckMode
from edge.gateway.hl7.split import USUAL_MARKS, Header

ACCEPTED: Final = "A"
ERROR: Final = "E"
"""The message could be right another time, or another message in its place."""

REJECTED: Final = "R"
"""It never will be: its kind, its sender, its form."""

_ERROR_CODES: Final[dict[str, tuple[str, str]]] = {
    # reason: letter, HL7 table 0357
    "not-mllp": (REJECTED, "207"),
    "no-start": (REJECTED, "207"),
    "no-end": (REJECTED, "207"),
    "too-long": (REJECTED, "207"),
    "no-header": (REJECTED, "100"),
    "no-id": (REJECTED, "101"),
    "charset": (REJECTED, "207"),
    "message-type": (REJECTED, "200"),
    "event": (REJECTED, "201"),
    "not-production": (REJECTED, "202"),
    "no-observation": (ERROR, "101"),
    "no-alarm": (ERROR, "101"),
    "no-patient": (ERROR, "101"),
    "no-device": (ERROR, "101"),
    "no-time": (ERROR, "102"),
    "damaged-device": (ERROR, "102"),
    "damaged-patient": (ERROR, "102"),
    "busy": (ERROR, "207"),
    "not-stored": (ERROR, "207"),
    "internal": (ERROR, "207"),
    "too-slow": (REJECTED, "207"),
    "unknown-sender": (REJECTED, "207"),
    "foreign-device": (ERROR, "207"),
}
"""What the protocol itself refuses; a reason that is not here (the door's, the registrar's) is an error, 207."""

_ids = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Answers:
    """Which acknowledgements a message gets: the letter before A, E or R of each, in order."""

    accepted: tuple[str, ...]
    failed: tuple[str, ...]


@lru_cache(maxsize=256)
def answers_of(accept: str, application: str, mode: AckMode) -> Answers:
    """Return what MSH-15 and MSH-16 ask for; where only one is given, the other means NE."""
    if mode == "original" or (mode == "message" and not accept and not application):
        return Answers(("A",), ("A",))
    if mode == "enhanced":
        return Answers(("C",), ("C",))
    good, bad = [], []
    for letter, condition in (("C", accept), ("A", application)):
        if condition in ("AL", "SU"):
            good.append(letter)
        if condition in ("AL", "ER"):
            bad.append(letter)
    return Answers(tuple(good), tuple(bad))


def answer(header: Header, refusal: Refusal | None, mode: AckMode) -> bytes:
    """Return what is sent for a message, framed; empty where the sender wants nothing."""
    wanted = answers_of(header.text(15).strip().upper(), header.text(16).strip().upper(), mode)
    if refusal is None:
        return b"".join(_framed(header, letter.encode() + b"A", b"") for letter in wanted.accepted)
    outcome, code = error_code(refusal.reason)
    ending = _error(header, code, refusal)
    return b"".join(_framed(header, f"{letter}{outcome}".encode(), ending) for letter in wanted.failed)


def error_code(reason: str) -> tuple[str, str]:
    """Return E or R and the code of HL7 table 0357 for a reason."""
    return _ERROR_CODES.get(reason, (ERROR, "207"))


NO_HEADER: Final = Header((b"MSH", b"^~\\&"), USUAL_MARKS)
"""Stands in for the header of what has none; its answer cannot name a message."""


def _framed(header: Header, code: bytes, ending: bytes) -> bytes:
    return b"".join(
        (
            VT,
            _beginning(header),
            b"MSA",
            header.marks[0].encode(),
            code,
            header.marks[0].encode(),
            header.field(10),
            ending,
            CR,
            FS,
            CR,
        )
    )


def _beginning(header: Header) -> bytes:
    """Return the answer's MSH: parties swapped, an id of its own, character set, version and signs as they came."""
    now_s = int(time.time())
    start, kind, end = _fixed(
        header.fields[:6], header.field(9), header.field(11), header.field(12), header.field(18), header.marks
    )
    return b"".join((start, _stamp(now_s), kind, b"V%d.%d" % (now_s, next(_ids)), end))


@lru_cache(maxsize=4_096)
def _fixed(
    parties: tuple[bytes, ...], kind: bytes, processing: bytes, version: bytes, charset: bytes, marks: str
) -> tuple[bytes, bytes, bytes]:
    """Return what stands before the time, between time and id, and after the id."""
    sep, component = marks[0].encode(), marks[1].encode()
    names = [*parties[2:], b"", b"", b"", b""][:4]
    start = sep.join((b"MSH", parties[1], names[2], names[3], names[0], names[1])) + sep
    event = [*kind.split(component), b""][1]
    message = component.join((b"ACK", event, b"ACK")) if event else b"ACK"
    tail = [b"", processing or b"P", version or b"2.6"] + ([b""] * 5 + [charset] if charset else [])
    return start, sep * 2 + message + sep, sep.join(tail) + CR


@lru_cache(maxsize=4)
def _stamp(now_s: int) -> bytes:
    return time.strftime("%Y%m%d%H%M%S+0000", time.gmtime(now_s)).encode()


def _error(header: Header, code: str, refusal: Refusal) -> bytes:
    """Return MSA-3 and an ERR segment that say why; never what the message holds."""
    sep, component = header.marks[0], header.marks[1]
    text = "".join(
        one for one in f"{refusal.reason}: {refusal.detail}" if one.isprintable() and one not in header.marks
    )
    text = text.encode("ascii", "replace").decode()
    error = sep.join(("ERR", "", "", component.join((code, "", "HL70357")), "E", "", "", "", text))
    return f"{sep}{text}\r{error}".encode()
