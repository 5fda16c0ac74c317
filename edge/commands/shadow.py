"""`vigil shadow`."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import click

from edge.commands.orders import sign_in_options
from edge.identity.command_line import signed_in
from edge.options import Function, brokers_option, group_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.records import Skipped, told
from edge.shadow import running
from edge.shadow.compared_topics import chosen, lag_of
from edge.shadow.decisions import before_last, decide, text_of
from edge.shadow.switching import put_in_force
from edge.told_to_end import told_to_end
from streams.config.settings import load_settings
from streams.errors import UsageError
from streams.kafka.layout_log import laid_out
from streams.kafka.rules_log import Decided, read_rules
from streams.kafka.security import seals_of

WORKERS_MAX: Final = 64
READINGS_SHOWN: Final = 40
READINGS_SHOWN_MAX: Final = 1_000
WAIT_S: Final = 90.0


def _common(function: Function) -> Function:
    for option in (
        click.option("--partitions", type=int, help="Of the readings, as they were created."),
        click.option("--prefix", "topic_prefix", help="Put before every topic name."),
        group_option,
        brokers_option,
    ):
        function = option(function)
    return function


_reason = click.option("--reason", required=True, help="Why: kept with the decision.")


def _rules(required: bool) -> Callable[[Function], Function]:
    return click.option(
        "--rules", type=click.Path(path_type=Path), required=required, help="Rules file, or classic or vigil."
    )


@click.group()
def shadow() -> None:
    """Try rules on the live log, where nobody is alarmed by them; compare; switch to them, and back."""


@shadow.command()
@_rules(required=True)
@sign_in_options
@_reason
@click.option(
    "--from",
    "begin",
    type=click.Choice(["now", "start"]),
    default="now",
    show_default=True,
    help="With the workers' state, or with all readings that are kept.",
)
@click.option("--workers", type=click.IntRange(1, WORKERS_MAX), default=1, show_default=True)
@click.option("--metrics-host", help="Where /metrics is served.")
@click.option("--metrics-port", type=int, default=0, help="Of the first worker; 0 = any free one.")
@_common
def run(
    rules: Path,
    account: str | None,
    reason: str,
    begin: Literal["now", "start"],
    workers: int,
    **options: object,
) -> None:
    """Judge the live log under other rules too, in a group of its own, until Ctrl-C or SIGTERM.

    Its alerts go to vitals.shadow-alerts only. Started again with the same file it goes on where it was.
    """
    settings = laid_out(need_brokers(load_settings(**options)))
    person = signed_in(settings, "configure", account)
    trial = running.begin(settings, rules, person, reason, begin, _say)
    _say(f"rules {trial.rules.name} are tried; report with: vigil shadow report --name {trial.rules.name}")
    with told_to_end() as stop:
        running.run(settings, trial.rules.name, workers, stop, _say)


@shadow.command("list")
@json_option
@_common
def list_(as_json: bool, **options: object) -> None:
    """Print every decision about rules: which came into force, which are tried, who said so, when and why."""
    settings = laid_out(need_brokers(load_settings(**options)))
    found = read_rules(settings, settings.group, seals_of(settings))
    if as_json:
        print_json([_data(one) for one in found])
        return
    for one in found:
        said = one.rules
        what = f"{said.name} ({said.file})" if said.name else "each worker's own"
        say(
            f"{said.number:>4}  {_moment(one.append_ts_ms)}  {said.kind:<6}  {what}  by {said.actor}: {said.reason}"
        )
    if not found:
        say("nothing was ever decided: each worker judges by its own settings")


@shadow.command()
@click.option("--name", help="Of the rules that are tried; else those tried last.")
@click.option("--since", help="Not from before this: 2026-11-29T08:00 (UTC), or 90min, 8h, 2d ago.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here, as HTML."
)
@click.option(
    "--readings",
    type=click.IntRange(0, READINGS_SHOWN_MAX),
    default=READINGS_SHOWN,
    show_default=True,
    help="Show the readings behind so many differences.",
)
@json_option
@_common
def report(
    name: str | None, since: str | None, out: Path | None, readings: int, as_json: bool, **options: object
) -> None:
    """Say what would have been told and what not, by ward and rule, with the readings behind the differences."""
    from edge.shadow.comparison import as_data, compare
    from edge.shadow.page import page

    settings = laid_out(need_brokers(load_settings(**options)))
    since_ms = since_of(since, datetime.now(UTC)) if since else 0
    skipped = Skipped()
    with told(skipped):
        found = compare(settings, name, since_ms, readings, skipped)
    lag = lag_of(settings, found.trial.rules.name)
    if out is not None:
        try:
            out.write_text(page(found, lag), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"--out {out}: {error.strerror}") from None
    if as_json:
        print_json(as_data(found, lag))
        return
    totals: dict[str, int] = as_data(found, lag)["totals"]
    for outcome, count in sorted(totals.items()):
        say(f"{outcome:<13} {count}")
    say(f"{found.total} differences; {sum(lag.values())} records not judged yet by the new rules")
    if out is not None:
        say(f"report: {out}")


@shadow.command()
@click.argument("name")
@sign_in_options
@_reason
@_common
def end(name: str, account: str | None, reason: str, **options: object) -> None:
    """Try rules no longer; their workers are to have ended. What they told stays as long as its topic keeps it."""
    settings = laid_out(need_brokers(load_settings(**options)))
    person = signed_in(settings, "configure", account)
    trial = chosen(read_rules(settings, settings.group, seals_of(settings)), name)
    said = running.end(settings, trial, person, reason)
    say(f"decision {said.rules.number}: rules {name} are tried no longer")


@shadow.command()
@_rules(required=False)
@click.option("--back", is_flag=True, help="To the rules that were in force before the present ones.")
@sign_in_options
@_reason
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0, 3600), default=WAIT_S, show_default=True, help="For it, s."
)
@_common
def switch(
    rules: Path | None, back: bool, account: str | None, reason: str, wait_s: float, **options: object
) -> None:
    """Put rules in force for all workers of the group, live; --back takes that back.

    The decision, with the whole text of the rules, stays on vitals.rules.
    """
    if back == (rules is not None):
        raise UsageError("give --rules FILE, or --back")
    settings = need_brokers(load_settings(**options))
    person = signed_in(settings, "configure", account)
    if rules is None:
        text, file = before_last(read_rules(settings, settings.group, seals_of(settings)))
    else:
        text, file = text_of(rules), rules.name
    settings = laid_out(settings)
    said = decide(settings, "switch", person, reason, text=text, file=file)
    what = f"rules {said.rules.name} ({said.rules.file})" if text is not None else "each worker's own rules"
    _say(f"decision {said.rules.number}: {what} from now on")
    put_in_force(settings, said, wait_s, _say)


def since_of(text: str, now: datetime) -> int:
    """Return a moment in ms: a time (UTC unless it says otherwise), or how long ago.

    Raises:
        UsageError: it is neither.
    """
    units = {"min": 60_000, "h": 3_600_000, "d": 86_400_000}
    for unit, length_ms in units.items():
        if text.removesuffix(unit).isdigit() and text.endswith(unit):
            return round(now.timestamp() * 1000) - int(text.removesuffix(unit)) * length_ms
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text}: no time; write 2026-11-29T08:00, 90min, 8h or 2d") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _data(one: Decided) -> dict[str, object]:
    return one.rules.model_dump() | {"since_ts_ms": one.append_ts_ms}


def _moment(ts_ms: int) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _say(line: str) -> None:
    say(f"vigil: {line}", err=True)
