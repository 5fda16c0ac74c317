"""Asking a worker for a patient's live windows: the sealed question, and what comes back, over HTTP on its own port.

The question proves by the command key that a process of ours asks (`streams.contracts.seals`), and when, so that a
copy of it is worth nothing a little later.
"""

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.frame import EVENT_TS_MS_MAX, Stream
from streams.contracts.seals import Place, Seals, Unproven

WINDOWS_PATH: Final = "/v1/windows"
WINDOWS_KEY: Final = b"~windows"
"""What is hashed with a question: no seal of anything else is one of these."""

QUESTION_BYTES_MAX: Final = 1_024
ANSWER_BYTES_MAX: Final = 262_144
FRESH_MS: Final = 30_000
"""A question is answered for so long, by the worker's clock; clocks of a site differ by less [M]."""


class WindowsQuestion(BaseModel):
    """Whose windows are asked for."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    patient: Stream
    asked_ts_ms: int = Field(ge=0, le=EVENT_TS_MS_MAX)


class Course(BaseModel):
    """One signal's course: a point a bucket that has readings, arrays of one length, in the signal's unit."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    ts_ms: tuple[int, ...] = Field(description="beginning of each bucket, rising, ms")
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Whole(BaseModel):
    """One signal over the whole of the windows, in its unit."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    count: int = Field(description="readings")
    mean: float
    low: float
    high: float


class WindowsAnswer(BaseModel):
    """The last minutes of a patient, by signal, and the statistics of the whole of them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    patient: str
    bucket_ms: int
    judged_ts_ms: int = Field(description="how far the log was judged, ms")
    minutes: int = Field(description="how long the whole is")
    signals: dict[str, Course]
    whole: dict[str, Whole]


def question(seals: Seals, patient: str, partition: int, now_ms: int) -> bytes:
    """Return a sealed question for a patient in a partition."""
    asked = WindowsQuestion(patient=patient, asked_ts_ms=now_ms)
    return seals.seal(WINDOWS_KEY, Place(partition, now_ms), asked.model_dump_json().encode())


def asked(seals: Seals, value: bytes, now_ms: int) -> tuple[int, str]:
    """Return the partition and the patient of a question.

    Raises:
        Unproven: nobody of ours asked, or long ago.
        ValueError: it is none.
    """
    place, content = seals.opened(WINDOWS_KEY, value)
    found = WindowsQuestion.model_validate_json(content)
    if found.asked_ts_ms != place.offset or abs(now_ms - found.asked_ts_ms) > FRESH_MS:
        raise Unproven("an old question")
    return place.partition, found.patient
