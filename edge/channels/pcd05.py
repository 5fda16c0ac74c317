"""What an alarm manager answers over MLLP: acknowledgements, and IHE PCD-05 (ORA^R41): what became of a page. Pure.

A status names the message by MSA-2, the control id of its PCD-04. No public example of a PCD-05 could be found; taken
is a status in MSA-3, in any OBX-5 or in PRT-5, by the words of IHE's table of dissemination states. [M]
"""

from dataclasses import dataclass
from typing import Final, Literal

from edge.channels.page import Status
from edge.gateway.hl7.split import Header, field, part, plain, read_header, read_segments
from streams.contracts.deliveries import Milestone

STATES: Final[dict[str, Milestone]] = {
    "undeliverable": "failed",
    "delivered": "delivered",
    "read": "shown",
    "accepted": "accepted",
    "accepted predecided true": "accepted",
    "accepted predecided false": "rejected",
    "rejected": "rejected",
}
"""Other states of the table (received, cancelled, callback) say nothing of anybody."""

Code = Literal["AA", "AE", "AR", "CA", "CE", "CR"]
_CODES: Final = frozenset(Code.__args__)  # type: ignore[attr-defined]
_REPORTS: Final = frozenset({"ORA^R41", "ORU^R41"})


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement of a message of ours."""

    control_id: str
    code: str
    said: str


@dataclass(frozen=True, slots=True)
class Reported:
    """A message of the other side's own: its header, to be answered, and what it says if it says anything."""

    header: Header
    status: Status | None


def read_answer(block: bytes) -> Acknowledged | Reported | None:
    """Return what a message says; None for one that has no header or answers nothing."""
    header = read_header(block)
    if header is None:
        return None
    segments = read_segments(block, header, None)
    if not isinstance(segments, list):
        return None
    mark = header.marks[0]
    rows = [segment.split(mark) for segment in segments]
    msa = next((row for row in rows if row[0] == "MSA"), [])
    code, control_id = field(msa, 1), field(msa, 2)
    state = _state(rows, header.marks)
    if header.kind in _REPORTS and (state is not None or not code):
        found = STATES.get(state or "")
        return Reported(
            header, None if found is None or not control_id else Status(control_id, found, state or "")
        )
    if code not in _CODES or not control_id:
        return Reported(header, None) if not msa else None
    return Acknowledged(control_id, code, plain(field(msa, 3), header.marks)[:120])


def _state(rows: list[list[str]], marks: str) -> str | None:
    """Return the first word of the table of states that the message holds."""
    texts = [field(row, 3) for row in rows if row[0] == "MSA"]
    texts += [field(row, 5) for row in rows if row[0] in ("OBX", "PRT")]
    for text in texts:
        for one in (part(text, marks[1], 1), part(text, marks[1], 2)):
            said = plain(one, marks).lower()
            if said in STATES:
                return said
    return None
