"""`vigil history run|query|verify|export|load`."""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.options import brokers_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.told_to_end import told_to_end
from streams.config.settings import load_settings
from streams.errors import UsageError, VigilError

Function = TypeVar("Function", bound=Callable[..., Any])


def folder_option(function: Function) -> Function:
    """Add `--dir`, passed on as `history_dir` (None = not given)."""
    return click.option(
        "--dir",
        "history_dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of the history.",
    )(function)


def history_options(function: Function) -> Function:
    """Add the options that say where the history is, and whose."""
    return click.option("--prefix", "topic_prefix", help="Put before every topic name.")(
        folder_option(function)
    )


def _stretch(function: Function) -> Function:
    function = click.option("--until", default="now", show_default=True, help="A moment, as --from.")(
        function
    )
    return click.option(
        "--from", "from_", default="24h", show_default=True, help="So long ago, ISO 8601, or epoch ms."
    )(function)


@click.group()
def history() -> None:
    """Keep what was read, told, ordered and seen, and answer from it."""


@history.command()
@brokers_option
@history_options
@click.option("--metrics-port", "history_metrics_port", type=int, help="Port of /metrics; 0 = any free one.")
def run(**options: object) -> None:
    """Write the history: readings to Parquet files, all else to the ledger. SIGTERM puts down what was read and ends.

    It can be killed at any moment: what is on the disk says from where on it reads.
    """
    from edge.history.metrics import HistoryMetrics
    from edge.history.process import run as write
    from streams.metrics_server import serve_metrics

    settings = need_brokers(load_settings(**options))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    metrics = HistoryMetrics()
    port = settings.history_metrics_port
    serve_metrics(metrics.registry, settings.metrics_host, port, "history_metrics_port")
    with told_to_end() as stop:
        write(settings, stop.is_set, metrics)


@history.command()
@click.argument("patient")
@history_options
@_stretch
@click.option("--signals", default="hr,spo2,resp", show_default=True, help="Names, with commas between.")
@click.option("--step", default="15m", show_default=True, help="Length of a step: 10s, 15m, 1h.")
@json_option
def query(
    patient: str, from_: str, until: str, signals: str, step: str, as_json: bool, **options: object
) -> None:
    """Print a patient's readings by steps of time: lowest, mean and highest of each signal."""
    from edge.history.query import history_of
    from edge.history.typed_times import length_s, moment_ms

    settings, now_ms = load_settings(**options), int(time.time() * 1000)
    names, step_s = [name.strip() for name in signals.split(",") if name.strip()], length_s(step)
    with closing(history_of(settings)) as found:
        steps = found.steps(patient, moment_ms(from_, now_ms), moment_ms(until, now_ms), names, step_s)
    if as_json:
        print_json(
            {
                "patient": patient,
                "step_s": step_s,
                "signals": {
                    name: [
                        {"ts_ms": ts, "low": low, "mean": mean, "high": high, "count": count}
                        for ts, low, mean, high, count in _listed(buckets)
                    ]
                    for name, buckets in steps.items()
                },
            }
        )
        return
    _print_steps(patient, names, steps)


def _listed(buckets: Any) -> list[tuple[int, float, float, float, int]]:
    columns = (buckets.ts_ms, buckets.low, buckets.mean, buckets.high, buckets.count)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _print_steps(patient: str, names: list[str], steps: dict[str, Any]) -> None:
    from datetime import UTC, datetime

    by_time: dict[int, dict[str, str]] = {}
    for name in names:
        for ts_ms, low, mean, high, _ in _listed(steps[name]):
            by_time.setdefault(ts_ms, {})[name] = f"{low:g} / {mean:.4g} / {high:g}"
    if not by_time:
        say(f"no reading of {patient} in that time")
        return
    say("time (UTC)".ljust(21) + "".join(name.ljust(24) for name in names) + "(lowest / mean / highest)")
    for ts_ms in sorted(by_time):
        moment = datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        say(moment.ljust(21) + "".join(by_time[ts_ms].get(name, "-").ljust(24) for name in names).rstrip())


@history.command()
@brokers_option
@history_options
@json_option
def verify(as_json: bool, **options: object) -> None:
    """Compare the history with the topics: nothing missing, nothing twice, nothing different; exit code 1 if not.

    As far back as Kafka still has the records. What the history has not read yet is counted and is no fault.
    """
    from edge.history.ledger import open_ledger, readings_folder
    from edge.history.verify import files_are_whole, verify

    settings = need_brokers(load_settings(**options))
    with closing(open_ledger(settings)) as ledger:
        found = verify(settings, ledger)
    wrong = [line for one in found for line in one.lines()] + list(files_are_whole(readings_folder(settings)))
    compared, not_yet = sum(one.compared for one in found), sum(one.not_yet for one in found)
    if as_json:
        print_json({"ok": not wrong, "compared": compared, "not_yet": not_yet, "wrong": wrong})
    else:
        for line in wrong:
            say(line)
        say(f"{compared:,} records compared; {not_yet:,} in the topics are not read yet")
    if wrong:
        raise VigilError(f"the history is not what the topics hold: {len(wrong)} findings")


@history.command()
@click.argument("patient")
@history_options
@_stretch
@click.option(
    "--format", "form", type=click.Choice(["parquet", "csv", "fhir"]), default="parquet", show_default=True
)
@click.option("--signals", help="Names, with commas between; all without.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
def export(
    patient: str, from_: str, until: str, form: Any, signals: str | None, out: Path, **options: object
) -> None:
    """Write a patient's readings to a file: Parquet, CSV that a spreadsheet runs nothing of, or a FHIR R4 Bundle."""
    from clinical.vitals import INDEX
    from edge.history.export import export as write
    from edge.history.query import history_of
    from edge.history.typed_times import moment_ms

    settings, now_ms = load_settings(**options), int(time.time() * 1000)
    names = [name.strip() for name in signals.split(",")] if signals else None
    for name in names or ():
        if name not in INDEX:
            raise UsageError(f"signal {name!r}: none of {', '.join(INDEX)}")
    with closing(history_of(settings)) as found:
        table = found.raw(patient, moment_ms(from_, now_ms), moment_ms(until, now_ms), names)
    try:
        count = write(table, form, out, patient, now_ms)
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}") from None
    say(f"{out}: {count:,} {'readings' if form == 'fhir' else 'rows'}")


@history.command()
@history_options
@_stretch
@click.option("--shift-hours", "shift_h", type=click.IntRange(1, 24), default=8, show_default=True)
@json_option
def load(from_: str, until: str, shift_h: int, as_json: bool, **options: object) -> None:
    """Print the alarm load of each bed and shift, and how soon alarms were acknowledged."""
    from datetime import UTC, datetime

    from edge.history.ledger import open_ledger
    from edge.history.ledger_load import alarm_load
    from edge.history.typed_times import moment_ms

    settings, now_ms = load_settings(**options), int(time.time() * 1000)
    with closing(open_ledger(settings)) as ledger:
        loads = alarm_load(ledger, moment_ms(from_, now_ms), moment_ms(until, now_ms), shift_h)
    if as_json:
        print_json(
            [
                {
                    "patient": one.patient,
                    "shift_ts_ms": one.shift_ts_ms,
                    "alarms": one.alarms,
                    "technical": one.technical,
                    "rules": one.rules,
                    "escalated": one.escalated,
                    "acknowledged": one.acknowledged,
                    "median_ack_s": one.median_ack_s,
                }
                for one in loads
            ]
        )
        return
    for one in loads:
        shift = datetime.fromtimestamp(one.shift_ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        counts = ", ".join(f"{count} {priority}" for priority, count in one.alarms.items())
        waited = f", half within {one.median_ack_s:.0f} s" if one.median_ack_s is not None else ""
        say(f"{shift}  {one.patient}: {one.count} alarms ({counts}), {one.acknowledged} acknowledged{waited}")
    if not loads:
        say("no alarm in that time")
