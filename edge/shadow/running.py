"""Running a shadow: its changelog, where it begins, the decision to try its rules, and its workers."""

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

from kafka.errors import KafkaError

from edge.shadow.decisions import decide, text_of
from edge.supervisor import supervise
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.people import Person
from streams.errors import VigilError
from streams.kafka.admin import apply_topics, changelog_topic
from streams.kafka.connect import connect_admin
from streams.kafka.rules_log import Decided, name_of, read_rules, trials
from streams.kafka.security import seals_of
from streams.kafka.shadows import shadow_settings

SEED_S_MAX: Final = 600.0
"""Copying the state of 20,000 patients takes some seconds."""

Say = Callable[[str], None]


def begin(
    settings: Settings, rules: Path, person: Person, reason: str, start: Literal["start", "now"], say: Say
) -> Decided:
    """Begin to try rules, unless that has been done: then the shadow goes on where it was.

    Args:
        settings: of the workers whose alerts count.
        rules: file, or name of a shipped set.
        person: who decides.
        reason: why.
        start: judge all readings that are kept, or begin with the workers' state at their last checkpoint.
        say: told in one line what was done.

    Raises:
        UsageError: the file is no rules file.
        BrokerUnreachable: no broker answers.
        VigilError: the person may not, or the state could not be copied.
    """
    text = text_of(rules)
    name = name_of(text)
    shadow = shadow_settings(settings, name)
    for one in trials(read_rules(settings, settings.group, seals_of(settings))):
        if one.rules.name == name:
            say(f"rules {name} are tried since decision {one.rules.number}: the shadow goes on")
            return one
    _remove(shadow)  # of a trial that was ended, or broken off before it began
    apply_topics(shadow)
    if start == "now":
        _seed(shadow)
    return decide(settings, "trial", person, reason, text=text, file=rules.name, begin=start)


def run(settings: Settings, name: str, workers: int, stop: threading.Event, say: Say) -> None:
    """Run a shadow's workers until `stop` is set.

    Raises:
        VigilError: a worker failed for good, or did not drain in time.
    """
    supervise(shadow_settings(settings, name), workers, stop, say)


def end(settings: Settings, trial: Decided, person: Person, reason: str) -> Decided:
    """Try rules no longer: the shadow's state is removed; what it told stays for as long as its topic keeps it.

    Raises:
        BrokerUnreachable: no broker answers.
        VigilError: the person may not.
    """
    shadow = shadow_settings(settings, trial.rules.name)
    said = decide(settings, "end", person, reason, text=trial.rules.text, file=trial.rules.file)
    _remove(shadow)
    return said


def _remove(shadow: Settings) -> None:
    """Remove the changelog and the group of a shadow, where they are."""
    with closing(connect_admin(shadow)) as admin:
        with suppress(KafkaError):
            admin.delete_topics([changelog_topic(shadow)])
        with suppress(KafkaError):
            admin.delete_groups([shadow.judging_group])


def _seed(shadow: Settings) -> None:
    """Begin a shadow with the workers' state, in a process of its own: the edge knows nothing of state."""
    command = [sys.executable, "-P", "-m", "agents.seeding"]
    try:
        done = subprocess.run(
            command, env=worker_environment(shadow), capture_output=True, timeout=SEED_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        raise VigilError(f"the workers' state was not copied within {SEED_S_MAX:g} s") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise VigilError(f"the workers' state was not copied: {said[-1] if said else 'no word'}")
