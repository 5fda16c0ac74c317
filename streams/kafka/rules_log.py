"""Which rules are in force and which are tried: `vitals.rules`, the whole text of each, who said so, when and why.

Each group of workers has its records numbered, so that a copy of one says nothing: a record counts when its number is
higher than that of all before it, and of two that were written at the same moment the first. Records are sealed with
the command key: who may write to the topic but does not know the key changes no rules. Nothing here is ever compacted:
the topic is the audit trail of the rules.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clinical.rules import RuleSet
from streams.config.rules_file import FILE_BYTES_MAX, parse_rules
from streams.config.settings import Settings
from streams.contracts.command import REASON_CHARS_MAX
from streams.contracts.frame import EVENT_TS_MS_MAX, Identifier
from streams.contracts.people import Role
from streams.contracts.rules_marks import MARK_KEY, RulesMark
from streams.contracts.seals import Place, Seals, Unproven
from streams.contracts.topics import RULES
from streams.kafka.log_end import read_whole

SEALED_UNDER: Final = b"~rules/decision"
"""What the seals of these records are made for, whatever their key."""

NAME_CHARS: Final = 12
"""Hex digits of the hash that names a rule set: 48 bits, among the few that a hospital ever has."""

OWN: Final = ""
"""Name of the rules that each worker's own settings give."""

RECORD_BYTES_MAX: Final = 4 * FILE_BYTES_MAX
"""A record with the longest rules file, in which JSON escapes every second character."""


class Rules(BaseModel):
    """A decision about the rules of a group of workers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    kind: Literal["switch", "trial", "end"] = Field(
        description="in force from now on, tried beside those in force, or tried no longer"
    )
    group: Annotated[str, Field(max_length=255)] = Field(description="consumer group of the workers")
    number: Annotated[int, Field(ge=1)] = Field(description="of the decision among those of the group")
    name: Annotated[str, Field(pattern=r"^([0-9a-f]{12})?$")] = Field(
        description="first hex digits of the text's SHA-256; empty = what each worker's own settings say"
    )
    file: Annotated[str, Field(max_length=255)] = Field(description="what the file was called")
    text: Annotated[str, Field(max_length=FILE_BYTES_MAX)] | None = Field(
        description="the whole rules file (TOML); null with an empty name"
    )
    begin: Literal["start", "now"] = Field(
        default="now",
        description="of a trial: from the first readings that are kept, or from where judging is",
    )
    actor: Identifier = Field(description="opaque id of the person who was signed in")
    role: Role = Field(description="that person's role")
    reason: Annotated[str, Field(max_length=REASON_CHARS_MAX)] = Field(description="why")
    at_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(description="when, Unix epoch, ms")


@dataclass(frozen=True, slots=True)
class Decided:
    """A record that counts: where it stands and when the broker took it, ms."""

    rules: Rules
    offset: int
    append_ts_ms: int


def name_of(text: str) -> str:
    """Return what a rule set is called: the same text has the same name everywhere."""
    return hashlib.sha256(text.encode()).hexdigest()[:NAME_CHARS]


def sealed(rules: Rules, seals: Seals) -> bytes:
    """Return the value of a record."""
    return seals.seal(SEALED_UNDER, Place(0, rules.number), rules.model_dump_json().encode())


def sealed_mark(rules: Rules, seals: Seals) -> bytes:
    """Return the value of the mark that puts a decision in force in a partition of the readings."""
    mark = RulesMark(group=rules.group, number=rules.number)
    return seals.seal(MARK_KEY, Place(0, rules.number), mark.model_dump_json().encode())


def read_rules(settings: Settings, group: str, seals: Seals) -> list[Decided]:
    """Return the decisions about the rules of a group, the oldest first.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: the topic cannot be read to its end.
    """
    return decided(read_whole(settings, settings.topic(RULES)), group, seals)


def decided(records: Iterable[Any], group: str, seals: Seals) -> list[Decided]:
    """Return what counts among records of the topic, in its order."""
    found: list[Decided] = []
    for record in records:
        rules = _opened(record.value, seals)
        if rules is None or rules.group != group:
            continue
        if not found or rules.number > found[-1].rules.number:
            found.append(Decided(rules, int(record.offset), int(record.timestamp)))
    return found


def _opened(value: bytes | None, seals: Seals) -> Rules | None:
    """Return what a record says; None for one that proves nothing, or is not what its seal was made for."""
    if value is None or len(value) > RECORD_BYTES_MAX:
        return None
    try:
        place, content = seals.opened(SEALED_UNDER, value)
        rules = Rules.model_validate_json(content)
    except (Unproven, ValidationError):
        return None
    is_whole = rules.number == place.offset and rules.name == (
        OWN if rules.text is None else name_of(rules.text)
    )
    return rules if is_whole else None


def switches(found: Sequence[Decided]) -> list[Decided]:
    """Return the decisions by which rules came into force; the last one holds."""
    return [one for one in found if one.rules.kind == "switch"]


def trials(found: Sequence[Decided]) -> list[Decided]:
    """Return the decisions to try rules that are tried still, the oldest first."""
    tried: dict[str, Decided] = {}
    for one in found:
        if one.rules.kind == "trial":
            tried.setdefault(one.rules.name, one)
        elif one.rules.kind == "end":
            tried.pop(one.rules.name, None)
    return list(tried.values())


def rules_of(rules: Rules, own: RuleSet) -> RuleSet:
    """Return the rule set of a decision; `own` are those of the worker's settings.

    Raises:
        UsageError: this version cannot read them.
    """
    return own if rules.text is None else parse_rules(rules.text, f"rules {rules.name} ({rules.file})")
