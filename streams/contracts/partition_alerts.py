"""Alerts about the log of a partition itself, and the notes in that log by which they end.

What stops a partition cannot be judged, so the worker that meets it tells of it beside the log and writes a note behind
it. Whoever judges the partition once it goes on, reads the note there and tells that it is over. Who may write to the
readings could end an alarm by a note that is forged, or copied from another partition: so it is sealed, as an order is,
and counts only in the partition that it is about.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.alert import Alert, Priority, system_alert
from streams.contracts.frame import EVENT_TS_MS_MAX
from streams.contracts.partition_names import partition_name
from streams.contracts.seals import Place, Seals

PARTITION_UNREADABLE: Final[Literal["partition-unreadable"]] = "partition-unreadable"
"""Rule of the alert that a partition stands still: nobody whose frames are in it is monitored."""

RECORDS_GONE: Final[Literal["records-gone"]] = "records-gone"
"""Rule of the alert that records were deleted before they were judged."""

NOTE_KEY: Final = b"~partition"
"""Starts with a character that no patient id may start with."""

NOTE_BYTES_MAX: Final = 1_024

TOPIC_CHARS_MAX: Final = 249
"""Of a topic's name on Kafka."""

PartitionRule = Literal["partition-unreadable", "records-gone"]

_PRIORITY: Final[dict[str, Priority]] = {PARTITION_UNREADABLE: "high", RECORDS_GONE: "medium"}


class Note(BaseModel):
    """What a partition was found to have: key `~partition`, written behind it, sealed. Where it is read, it is over."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    rule: PartitionRule
    topic: Annotated[str, Field(max_length=TOPIC_CHARS_MAX)]
    partition: Annotated[int, Field(ge=0)]
    onset_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(
        description="time of the last tick that was judged before, ms"
    )
    first: Annotated[int, Field(ge=0)] = Field(
        description="offset from which on nothing could be read, or of the first record that was gone"
    )
    end: Annotated[int, Field(ge=0)] = Field(
        description="offset after the last record that was gone, else the same"
    )


def sealed_note(note: Note, seals: Seals) -> bytes:
    """Return the value of a note's record."""
    return seals.seal(NOTE_KEY, Place(note.partition, note.first), note.model_dump_json().encode())


def partition_alert(note: Note, now_ms: int, append_ms: int, why: str = "") -> Alert:
    """Return the alert that a partition is as its note says, or with no `why` that this is over.

    Its patient stands for the partition, as in the alerts of `vigil watch`.
    """
    return system_alert(
        partition_name(note.partition),
        note.rule,
        source="log",
        priority=_PRIORITY[note.rule],
        onset_ms=note.onset_ts_ms,
        now_ms=now_ms,
        append_ms=append_ms,
        is_over=not why,
        reason=f"{_about(note)}: {why or 'that is over, and what follows is judged'}",
        # Without a tick between them, faults of both topics or at several offsets have one onset.
        named=f"{note.rule} {note.topic} {note.first}",
    )


def _about(note: Note) -> str:
    where = f"partition {note.partition} of {note.topic}"
    if note.rule == RECORDS_GONE:
        return f"{where}: records {note.first} to {note.end - 1} were deleted before they were judged"
    return f"{where} cannot be read from offset {note.first} on"
