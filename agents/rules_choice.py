"""Which rules a worker judges by: those in force on `vitals.rules`, else its own; a shadow, those that it tries."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from clinical.defaults import DEFAULT_RULES
from clinical.rules import RuleSet
from streams.config.rules_file import load_rules
from streams.config.settings import Settings
from streams.errors import UsageError
from streams.kafka.rules_log import OWN, Decided, read_rules, rules_of, switches, trials
from streams.kafka.security import seals_of
from streams.kafka.shadows import group_beside

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """Rules, their name (empty = the worker's own), and the newest decision that was known then, 0 = none.

    `refused` tells that this version could not read the rules in force, and goes on with those before.
    """

    rules: RuleSet
    name: str = OWN
    number: int = 0
    refused: bool = False


def own_rules(settings: Settings) -> RuleSet:
    """Return the rules that the worker's own settings give.

    Raises:
        UsageError: the file cannot be read or is no rules file.
    """
    return load_rules(settings.rules) if settings.rules else DEFAULT_RULES


def choose(settings: Settings, own: RuleSet) -> Choice:
    """Read which rules to judge by.

    Raises:
        UsageError: nobody has said that this shadow's rules are tried, or they cannot be read by this version.
        BrokerUnreachable: no broker answers.
        VigilError: the topic cannot be read to its end.
    """
    found = read_rules(settings, group_beside(settings), seals_of(settings))
    if settings.shadow:
        for one in trials(found):
            if one.rules.name == settings.shadow:
                return Choice(rules_of(one.rules, own), one.rules.name, one.rules.number)
        raise UsageError(f"shadow: no rules {settings.shadow} are tried; begin with vigil shadow run --rules")
    return in_force(switches(found), own)


def in_force(switched: Sequence[Decided], own: RuleSet) -> Choice:
    """Return the rules of the last decision that this version can read: no worker stays away for want of them."""
    newest = switched[-1].rules.number if switched else 0
    for one in reversed(switched):
        try:
            return Choice(rules_of(one.rules, own), one.rules.name, newest, one.rules.number != newest)
        except UsageError as error:
            logger.critical("decision %s: this version cannot judge by it: %s", one.rules.number, error)
    return Choice(own, OWN, newest, bool(switched))
