"""What is set for one sender, because its messages do not say it or say it wrongly."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final, Literal

AckMode = Literal["message", "original", "enhanced"]
"""By MSH-15 and MSH-16 of each message; always AA, AE or AR; always one CA, CE or CR."""

PRODUCTION: Final = ("", "P")
"""MSH-11 of real readings; training (T) and debugging (D) messages would raise alarms for real patients."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A sender's settings.

    `charset` stands in the place of MSH-18; `zone` is that of times that name none; `interval_ms` is how often the
    sender reports, which its messages do not say; `authority` gave out the record numbers that name nobody;
    `processing` are the kinds of messages (MSH-11) that are taken.
    """

    acks: AckMode = "message"
    charset: str | None = None
    zone: tzinfo = UTC
    interval_ms: int = 1000
    authority: str = ""
    processing: tuple[str, ...] = PRODUCTION


USUAL: Final = Profile()
