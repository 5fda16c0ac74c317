"""`vigil replay`."""

import sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from edge.options import brokers_option, json_option, rules_option
from edge.printing import print_json, say
from edge.readers import open_paths
from edge.reading_options import Reading, reading_options
from edge.replay_log import side_by_side
from edge.replayed_rules import notes_of_rules
from edge.replaying import Replay, run_replay, write_alerts
from streams.config.settings import load_settings
from streams.errors import UsageError


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@brokers_option
@rules_option
@click.option("--speed", default="1", metavar="N|max", help="Recorded seconds per second.", show_default=True)
@click.option(
    "--start", default="0", metavar="MS|ISO", help="What the recordings' zero stands for: epoch ms or a date."
)
@click.option(
    "--alerts", "alerts_path", type=click.Path(path_type=Path), help="Write every alert here, JSON lines."
)
@reading_options
@click.option("--patient", metavar="ID", help="All recordings are of this patient, side by side.")
@click.option(
    "--copies", type=click.IntRange(1, 100), default=1, help="Send each frame so often.", show_default=True
)
@click.option("--verbose", is_flag=True, help="Show the worker's log.")
@json_option
def replay(
    paths: tuple[Path, ...],
    brokers: str | None,
    rules: Path | None,
    speed: str,
    start: str,
    alerts_path: Path | None,
    reading: Reading,
    patient: str | None,
    copies: int,
    verbose: bool,
    as_json: bool,
) -> None:
    """Replay recordings through a worker and collect their alerts.

    PATH is a recording or a folder of them. Reads BIDMC, MIMIC and challenge-2015 numerics (CSV), sepsis-2019 (psv),
    WFDB records, VitalDB, EDF and BDF files and, with --columns, any CSV. Recordings bring their own time: the alerts
    are the same at every speed. Without a broker it brings its own. All is judged by the rules that are given: where
    those of the broker's workers were switched in the recordings' time, a line says so.
    """
    settings = load_settings(brokers=brokers, rules=rules)
    pace, start_ms = _speed(speed), _start_ms(start)
    if alerts_path is not None and not alerts_path.absolute().parent.is_dir():
        raise UsageError(f"--alerts: no such folder: {alerts_path.absolute().parent}")
    opened = open_paths(paths, reading.columns, reading.notation)
    recordings = side_by_side(opened.recordings, patient) if patient else list(opened.recordings)
    notes = opened.notes() + notes_of_rules(settings, recordings, start_ms)
    for note in notes:
        say(note, err=True)
    with _progress(as_json) as progress:
        result = run_replay(
            recordings,
            settings,
            speed=pace,
            start_ms=start_ms,
            copies=copies,
            verbose=verbose,
            progress=progress,
        )
    if alerts_path is not None:
        write_alerts(alerts_path, result.alerts)
    _conclude(result, len(recordings), notes, as_json)


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1e9:
        raise UsageError(f"--speed: {text!r} is neither 'max' nor a number above 0")
    return speed


def _start_ms(text: str) -> int:
    try:
        return (
            int(text)
            if text.isdigit()
            else round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
        )
    except ValueError:
        raise UsageError(f"--start: {text!r} is neither milliseconds nor an ISO date") from None


@contextmanager
def _progress(as_json: bool) -> Any:
    """Yield the callback that draws progress bars, on a terminal only."""
    if as_json or not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console

    with Progress(console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=max(0, done), total=total)

        yield progress


def _conclude(result: Replay, recordings: int, notes: list[str], as_json: bool) -> None:
    starts = dict(sorted(result.starts().items()))
    if as_json:
        print_json(
            {
                "recordings": recordings,
                "frames": result.frames,
                "alerts": len(result.alerts),
                "starts": starts,
                "notes": notes,
                "worker_restarts": result.worker_restarts,
                "seconds": round(result.seconds, 3),
            }
        )
        return
    say(
        f"{recordings} recordings, {result.frames} frames, {len(result.alerts)} alerts in {result.seconds:.1f} s"
    )
    for rule, count in starts.items():
        say(f"  {rule}: {count} started")
