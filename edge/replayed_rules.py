"""Whether the rules of a ward were switched while what is replayed was recorded: a replay judges all by those it has.

Recordings hold no marks of rules; the decisions behind the marks stand on `vitals.rules` of the broker that is given.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from edge.readers.recording import Recording
from streams.config.settings import Settings
from streams.contracts.zones import moment, zone
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.rules_log import OWN, Decided, read_rules, switches
from streams.kafka.security import seals_of

SHOWN_MAX: Final = 3
"""Switches that are named; further ones are counted."""

Stretch = tuple[int, int]
"""From when to when, both included, Unix epoch, ms."""


def notes_of_rules(settings: Settings, recordings: Sequence[Recording], start_ms: int) -> list[str]:
    """Return a line where the rules of the settings' group were switched in the recordings' time, else none.

    Args:
        settings: without brokers nothing is known of any switch.
        recordings: as they are replayed.
        start_ms: what stands for the zero of those that do not say when it was, ms; 0 = unknown.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    stretches = list(stretches_of(recordings, start_ms))
    if not settings.bootstrap or not stretches:
        return []
    try:
        found = read_rules(settings, settings.group, seals_of(settings))
    except BrokerUnreachable:
        raise
    except VigilError as error:
        return [f"whether the rules were switched in the recordings' time is not known: {error}"]
    line = switched(found, stretches, settings)
    return [line] if line else []


def stretches_of(recordings: Iterable[Recording], start_ms: int) -> Iterable[Stretch]:
    """Yield when each recording was made, of those of which it is known."""
    for one in recordings:
        if one.zero_ms is not None:
            yield one.zero_ms, one.zero_ms + one.end_ms - one.shift_ms
        elif start_ms:
            yield start_ms + one.shift_ms, start_ms + one.end_ms


def switched(found: Sequence[Decided], stretches: Sequence[Stretch], settings: Settings) -> str:
    """Return in one line which switches fall into the stretches, and by what all is judged; empty if none does."""
    met = [
        one for one in switches(found) if any(first <= one.append_ts_ms <= last for first, last in stretches)
    ]
    if not met:
        return ""
    named = "; ".join(
        f"{moment(one.append_ts_ms, zone(settings.time_zone))} to {_name(one)}" for one in met[:SHOWN_MAX]
    )
    more = f" and {len(met) - SHOWN_MAX} more" if len(met) > SHOWN_MAX else ""
    own = "the built-in rules" if settings.rules is None else str(settings.rules)
    return (
        f"the rules of group {settings.group} were switched in the recordings' time ({named}{more}): "
        f"this replay goes on by {own} throughout"
    )


def _name(one: Decided) -> str:
    return "each worker's own" if one.rules.name == OWN else f"{one.rules.name} ({one.rules.file})"
