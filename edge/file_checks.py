"""What `vigil doctor` looks at in files that people write: rules, routing, reference data, as their users read them."""

from pathlib import Path

from clinical.defaults import DEFAULT_RULES
from clinical.rules import RuleSet
from edge.channels.kinds import check_options
from edge.channels.process import channels_of
from edge.records import Skipped
from edge.reference.csv_file import FILE_BYTES_MAX, take
from edge.reference.posting import ACTOR
from edge.reference.reference_view import read_reference
from streams.config.routing_file import load_routing
from streams.config.rules_file import load_rules
from streams.config.rulesets import path_of
from streams.config.settings import Settings
from streams.contracts.reference import WardFacts
from streams.errors import UsageError, VigilError


def rules_file(settings: Settings) -> str:
    """Return what the rules file holds, in words.

    Raises:
        UsageError: it cannot be read or is not a valid rules file.
    """
    if settings.rules is None:
        return "none: the built-in rules"
    return f"{settings.rules}: {len(_rules(settings).limits)} limit rules"


def routing_file(settings: Settings) -> str:
    """Return what the routing file holds, in words; files that its channels name are read, too.

    Raises:
        UsageError: it cannot be read or is not a valid routing file, or a file that it names cannot be read.
    """
    if settings.routing is None:
        return "none: boards alone, nobody is called"
    routing = load_routing(settings.routing, check_options)
    channels_of(routing, lambda status: None)
    counts = (
        f"{len(routing.channels)} channels, {len(routing.receivers)} receivers, {len(routing.routes)} routes"
    )
    return f"{settings.routing}: {counts}"


def reference_file(settings: Settings) -> str:
    """Return what the file of reference data holds, in words; wards that others have said are asked of the broker.

    Raises:
        VigilError: it cannot be read, or a row of it is wrong; or the broker does not answer.
    """
    path = settings.reference_file
    if path is None:
        return "none"
    content, known = _content(path), read_reference(settings, Skipped()).facts.values()
    wards = {fact.ward for fact in known if isinstance(fact, WardFacts) and fact.source != path.name}
    taken = take(content, _rules(settings).limits, ACTOR.id, path.name, wards)
    if taken.faults:
        more = f" (and {len(taken.faults) - 1} more)" if len(taken.faults) > 1 else ""
        raise VigilError(f"{path}: {taken.faults[0]}{more}")
    return f"{path}: {len(taken.facts)} rows"


def _rules(settings: Settings) -> RuleSet:
    return DEFAULT_RULES if settings.rules is None else load_rules(path_of(settings.rules))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(f"reference_file: {path}: {error.strerror}") from None
