"""The mark in each partition of the readings from which on its records are judged by other rules.

Whoever puts rules in force (`streams.kafka.rules_log`) writes it, sealed, behind the decision. No worker judges past a
mark that is newer than its own rules: what the log says is judged by the rules of its time, whoever judges it.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

MARK_KEY: Final = b"~rules"
"""Key of a mark; starts with a character that no patient id may start with."""

MARK_BYTES_MAX: Final = 1_024


class RulesMark(BaseModel):
    """From here on the rules of a decision hold for a group of workers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    group: Annotated[str, Field(max_length=255)] = Field(description="consumer group of the workers")
    number: Annotated[int, Field(ge=1)] = Field(description="of the decision on vitals.rules")


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark at this place of the log. Time in ms."""

    offset: int
    append_ts_ms: int
    mark: RulesMark
