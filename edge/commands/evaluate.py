"""`vigil evaluate`."""

import shlex
from pathlib import Path

import click

from edge.evaluation.assess import Assessment, Chosen, assess_all
from edge.evaluation.compared_load import reduction
from edge.evaluation.datasets import find_datasets
from edge.evaluation.report_files import as_data, write_report
from edge.evaluation.text import percent
from edge.options import json_option
from edge.printing import print_json, say
from edge.reading_options import Reading, reading_options
from streams.config.rules_file import load_rules
from streams.config.rulesets import path_of
from streams.config.settings import load_settings
from streams.errors import UsageError


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--rules",
    type=click.Path(path_type=Path),
    default=Path("classic"),
    show_default=True,
    help="The first rule set: a rules file, or classic or vigil.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    default=Path("vigil"),
    show_default=True,
    help="The second one; changes are from the first to the second.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), required=True, help="Folder for index.html and report.json."
)
@reading_options
@json_option
def evaluate(
    paths: tuple[Path, ...], rules: Path, against: Path, report: Path, reading: Reading, as_json: bool
) -> None:
    """Judge recordings under two rule sets and report what each does to the alarm load.

    PATH is a recording, as for replay, or a folder of them; those of one folder are judged together. Labels
    (alarms.csv, SepsisLabel) are used where they lie beside the recordings. Needs no broker.
    """
    settings = load_settings()
    names = _names(rules, against)
    sets = (_chosen(names[0], rules), _chosen(names[1], against))
    datasets = find_datasets(paths, reading)
    for note in (note for dataset in datasets for note in dataset.notes):
        say(note, err=True)
    assessments = assess_all(datasets, sets, settings, lambda line: say(line, err=True))
    write_report(report, assessments, sets, _command(paths, rules, against, report))
    if as_json:
        print_json(as_data(assessments, sets))
        return
    for one in assessments:
        say(_line(one))
        say(f"  {_glance(one)}")
    say(f"report: {report / 'index.html'}")


def _chosen(name: str, rules: Path) -> Chosen:
    return Chosen(name, path_of(rules).absolute(), load_rules(rules))


def _names(rules: Path, against: Path) -> tuple[str, str]:
    """Return short names for the rule sets, whole paths where the short ones are the same."""
    if path_of(rules).absolute() == path_of(against).absolute():
        raise UsageError(f"--rules and --against are the same: {rules}")
    short = (rules.stem, against.stem)
    return short if short[0] != short[1] else (str(rules), str(against))


def _command(paths: tuple[Path, ...], rules: Path, against: Path, report: Path) -> str:
    options = ["--rules", rules, "--against", against, "--report", report]
    return shlex.join(["./vigil", "evaluate", *map(str, [*paths, *options])])


def _line(one: Assessment) -> str:
    (first, before), (second, after) = one.loads.items()
    change = (
        percent(_signed(reduction(before.all.alarms, after.all.alarms)), signed=True) or "no alarms before"
    )
    return (
        f"{one.dataset.name}: {one.dataset.size}, {one.dataset.patient_hours:.1f} patient-hours; "
        f"alarms {before.all.alarms:,} ({first}) to {after.all.alarms:,} ({second}): {change}; per patient-hour "
        f"{before.all.per_patient_hour:.3g} to {after.all.per_patient_hour:.3g}"
    )


def _glance(one: Assessment) -> str:
    found, first = one.glance, next(iter(one.loads))
    parts = [
        f"high alarms of {first}: {found.high_alarms}, missing {found.high_missing}, late {found.high_late}, "
        f"over within the delay {found.high_brief}"
    ]
    if found.true_alarms is not None:
        parts.append(f"true alarms lost: {found.true_alarms_lost} of {found.true_alarms}")
        parts.append(f"collapses unreported: {found.collapses_unreported} of {found.collapses}")
    if found.news2_hours is not None:
        parts.append(f"NEWS2 wrong in {found.news2_hours_wrong:,} of {found.news2_hours:,} hours")
    return "; ".join(parts)


def _signed(share: float | None) -> float | None:
    return None if share is None else -share
