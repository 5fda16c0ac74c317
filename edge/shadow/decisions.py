"""Writing a decision about rules: numbered, sealed, and read again, because another one may have come first."""

import time
from pathlib import Path
from typing import Final, Literal

from edge.sending import send
from streams.config.rules_file import parse_rules
from streams.config.rulesets import path_of
from streams.config.settings import Settings
from streams.contracts.people import MAY, Person
from streams.contracts.topics import RULES
from streams.errors import UsageError, VigilError
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.rules_log import OWN, Decided, Rules, name_of, read_rules, sealed, switches
from streams.kafka.security import seals_of

FILE_CHARS_MAX: Final = 255

Kind = Literal["switch", "trial", "end"]


def text_of(rules: Path) -> str:
    """Return the text of a rules file, or of a shipped rule set by its name, once it is known to be right.

    Raises:
        UsageError: it cannot be read or is no rules file.
    """
    path = path_of(rules)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"rules file {path}: {getattr(error, 'strerror', None) or error}") from None
    parse_rules(text, str(path))
    return text


def decide(
    settings: Settings,
    kind: Kind,
    person: Person,
    reason: str,
    *,
    text: str | None,
    file: str,
    begin: Literal["start", "now"] = "now",
) -> Decided:
    """Write a decision about the rules of the settings' group, and return it as it stands on the topic.

    Raises:
        UsageError: it says nothing that can be.
        VigilError: the person may not do this, or somebody else decided at the same moment.
        BrokerUnreachable: no broker answers or takes it.
    """
    if "configure" not in MAY[person.role]:
        raise VigilError(f"not allowed: {person.id} ({person.role}) may not change or try rules")
    seals = seals_of(settings)
    before = read_rules(settings, settings.group, seals)
    rules = Rules(
        kind=kind,
        group=settings.group,
        number=before[-1].rules.number + 1 if before else 1,
        name=OWN if text is None else name_of(text),
        file=file[-FILE_CHARS_MAX:],
        text=text,
        begin=begin,
        actor=person.id,
        role=person.role,
        reason=reason,
        at_ts_ms=int(time.time() * 1000),
    )
    with Producer(settings, ORDERS, settings.topic(RULES)) as producer:
        send(producer, f"{kind} of rules {rules.name}", settings.group.encode(), sealed(rules, seals))
    for one in read_rules(settings, settings.group, seals):
        if one.rules.number == rules.number:
            if one.rules == rules:
                return one
            break
    raise VigilError("somebody else decided about the rules at the same moment: look, and decide again")


def before_last(found: list[Decided]) -> tuple[str | None, str]:
    """Return text and file name of the rules that were in force before the present ones; None = the workers' own.

    Raises:
        UsageError: nothing has ever been switched.
    """
    switched = switches(found)
    if not switched:
        raise UsageError("nothing to take back: the rules were never switched")
    if len(switched) == 1:
        return None, ""
    return switched[-2].rules.text, switched[-2].rules.file
