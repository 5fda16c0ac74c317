"""`vigil reference`: what wards and beds are called, and the limits that wards want."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click
from pydantic import ValidationError

from clinical.defaults import DEFAULT_RULES
from clinical.rules import RuleSet
from edge.commands.orders import settings_of, sign_in_options, signed_in_by, where
from edge.options import group_option, need_brokers, rules_option
from edge.printing import print_json, say
from edge.records import Skipped, told
from edge.reference.csv_file import FILE_BYTES_MAX, beyond_bounds, take
from edge.reference.reference_view import read_reference
from edge.reference.refresher import Refresher
from edge.reference.source import Source
from edge.reference.writing import changes_of, write
from streams.config.rules_file import load_rules
from streams.config.rulesets import path_of
from streams.config.settings import Settings, load_settings
from streams.contracts.command import AgeBand
from streams.contracts.reference import (
    BedFacts,
    Fact,
    FormularyLine,
    Reference,
    ReferenceRecord,
    UnitType,
    WardFacts,
)
from streams.errors import BadData, UsageError, VigilError

AGAIN_S: Final = 2.0
"""Before the refresher tries again what Kafka did not take."""

Function = TypeVar("Function", bound=Callable[..., Any])


def reporting(function: Function) -> Function:
    """Add the options of whoever says something."""
    return where(sign_in_options(function))


def _by(said: dict[str, Any]) -> tuple[Settings, str]:
    """Take the options that `reporting` adds out of what was said: where, and who says so, who may configure."""
    settings, person = signed_in_by(said, "configure")
    return settings, person.id


@click.group()
def reference() -> None:
    """What wards and beds are called, their clocks, and the limits that wards want."""


@reference.command("list")
@where
def list_facts(as_json: bool, brokers: str | None, topic_prefix: str | None) -> None:
    """Print all that is said: a line a ward, bed and line of the formulary, with the key that removes it."""
    for key, fact in sorted(_read(settings_of(brokers, topic_prefix)).facts.items()):
        if as_json:
            print_json(fact.model_dump(mode="json", exclude_none=True))
        else:
            say(
                f"{key.decode()}  {_said(fact)}  (by {fact.reporter}{f', {fact.source}' if fact.source else ''})"
            )


def _said(fact: Fact) -> str:
    left_out = {"kind", "reporter", "source", "ward", "patient", "age_band", "rule"}
    if isinstance(fact, WardFacts):
        left_out -= {"age_band"}
    if isinstance(fact, BedFacts):
        left_out -= {"ward"}
    said = fact.model_dump(mode="json", exclude_none=True, exclude=left_out)
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in said.items()) or "-"


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@reference.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check and say what would change; write nothing.")
@rules_option
@reporting
def import_file(
    file: Path,
    dry_run: bool,
    rules: Path | None,
    as_json: bool,
    **said_by: Any,
) -> None:
    """Take a CSV file, if every row is right: what it said before and says no longer is deleted.

    Limits are checked against the bounds of the rules file (--rules, VIGIL_RULES), which must be the workers'. Exit
    code 4 where a row is wrong; each is named with its line, and nothing is taken.
    """
    settings, reporter = _by(said_by)
    now = _read(settings)
    with file.open("rb") as opened:
        content = opened.read(FILE_BYTES_MAX + 1)
    wards = {f.ward for f in now.facts.values() if isinstance(f, WardFacts) and f.source != file.name}
    taken = take(content, _rules(settings, rules).limits, reporter, file.name, wards)
    if taken.faults:
        for fault in taken.faults:
            say(fault, err=True)
        raise BadData(f"{file.name}: nothing was taken")
    changes = changes_of(now, taken.facts, file.name)
    if not dry_run:
        write(settings, changes.records)
    counts = {"written": changes.written, "deleted": changes.deleted, "same": changes.same}
    if as_json:
        print_json({"file": file.name, **counts, "dry_run": dry_run})
    else:
        said = f"{changes.written} written, {changes.deleted} deleted, {changes.same} as before"
        say(f"{'would be ' if dry_run else ''}{said}")


@reference.group("set")
def set_facts() -> None:
    """Say something of one ward or bed, or one line of the formulary."""


@set_facts.command("ward")
@click.argument("ward")
@click.option("--name", help="What people call it.")
@click.option("--time-zone", help="IANA name, such as Europe/Vienna.")
@click.option("--unit-type", type=click.Choice(get_args(UnitType)))
@click.option(
    "--age-band", type=click.Choice(get_args(AgeBand)), help="Of who is admitted there without one."
)
@click.option("--phone")
@reporting
def set_ward(ward: str, as_json: bool, **said: Any) -> None:
    """Say something of a ward; what is left out stays as it is."""
    settings, reporter = _by(said)
    before = _read(settings).ward(ward)
    known = {} if before is None else before.model_dump(exclude={"reporter", "source"})
    _put(settings, as_json, {**known, "kind": "ward", "ward": ward, "reporter": reporter, **_given(said)})


@set_facts.command("bed")
@click.argument("patient")
@click.option("--label", required=True, help="What is written above the bed.")
@click.option("--ward", help="Opaque id of its ward.")
@reporting
def set_bed(as_json: bool, **said: Any) -> None:
    """Say what the bed of a patient stream is called."""
    settings, reporter = _by(said)
    _put(settings, as_json, {"kind": "bed", "reporter": reporter, **_given(said)})


@set_facts.command("limits")
@click.argument("ward")
@click.argument("age_band", type=click.Choice(get_args(AgeBand)))
@click.argument("rule")
@click.option("--low", type=float, help="In the signal's unit.")
@click.option("--high", type=float, help="In the signal's unit.")
@click.option("--reason", required=True, help="Why, for the audit trail.")
@rules_option
@reporting
def set_limits(
    rules: Path | None,
    as_json: bool,
    **said: Any,
) -> None:
    """Say which limits a ward wants for an age band; in force for who is admitted from then on."""
    settings, reporter = _by(said)
    fact = _fact({"kind": "limits", "reporter": reporter, **_given(said)})
    assert isinstance(fact, FormularyLine)
    known = {rule.id: rule for rule in _rules(settings, rules).limits}
    if beyond := beyond_bounds(fact, known):
        raise UsageError(beyond)
    _put(settings, as_json, fact)


@reference.command()
@click.argument("key")
@reporting
def remove(key: str, as_json: bool, **said_by: Any) -> None:
    """Take back what stands under a key, as `vigil reference list` shows it."""
    settings, _ = _by(said_by)
    if key.encode() not in _read(settings).facts:
        raise VigilError(f"nothing is said under {key}")
    write(settings, {key.encode(): None})
    if as_json:
        print_json({"removed": key})
    else:
        say(f"removed {key}")


@reference.command()
@click.option(
    "--file",
    "reference_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A CSV file that is the truth, taken whenever it has changed and is right; else VIGIL_REFERENCE_FILE.",
)
@rules_option
@group_option
@where
def run(
    rules: Path | None,
    as_json: bool,
    **options: object,
) -> None:
    """Keep reference data in force: take a file's changes, order a ward's age band and limits for who is admitted.

    Run as many as you like: one of them looks at the file, and they share the admissions.
    """
    settings = need_brokers(load_settings(**options))
    file = settings.reference_file
    source = None if file is None else Source(file, _rules(settings, rules).limits)

    def tell(line: str) -> None:
        if as_json:
            print_json({"ts_ms": int(time.time() * 1000), "said": line})
        else:
            say(line)

    pause = threading.Event()
    with Refresher(settings, source, tell) as refresher:
        while True:
            try:
                refresher.turn()
            except VigilError as error:
                tell(f"again in {AGAIN_S:g} s: {error}")
                pause.wait(AGAIN_S)


def _read(settings: Settings) -> Reference:
    skipped = Skipped()
    with told(skipped):
        return read_reference(settings, skipped)


def _rules(settings: Settings, rules: Path | None) -> RuleSet:
    chosen = rules or settings.rules
    return DEFAULT_RULES if chosen is None else load_rules(path_of(chosen))


def _given(said: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in said.items() if value is not None}


def _fact(said: dict[str, object]) -> Fact:
    try:
        return ReferenceRecord.model_validate(said).root
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]).replace("_", "-")
        raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None


def _put(settings: Settings, as_json: bool, said: "dict[str, object] | Fact") -> None:
    fact = _fact(said) if isinstance(said, dict) else said
    write(settings, {fact.key: fact})
    if as_json:
        print_json(fact.model_dump(mode="json", exclude_none=True))
    else:
        say(f"{fact.key.decode()}  {_said(fact)}")
