"""`vigil explain`."""

import math
from pathlib import Path

import click
from rich.console import Console

from clinical.vitals import INDEX, SIGNALS
from edge.explanation.evidence import Evidence, gather
from edge.explanation.picture import picture
from edge.explanation.terminal import arrivals, facts, headline, plot, signals_table
from edge.options import brokers_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.records import Skipped, told
from streams.config.settings import load_settings
from streams.errors import UsageError
from streams.kafka.layout_log import laid_out

AROUND_S_MAX = 3600.0


@click.command()
@click.argument("alert_id", metavar="ALERT_ID")
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option(
    "--before",
    type=click.FloatRange(0, AROUND_S_MAX),
    default=60.0,
    show_default=True,
    help="Show so long before the onset, s.",
)
@click.option(
    "--after",
    type=click.FloatRange(0, AROUND_S_MAX),
    default=60.0,
    show_default=True,
    help="Show so long after the event, s.",
)
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Write the plot here as a picture."
)
@json_option
def explain(
    alert_id: str, before: float, after: float, svg: Path | None, as_json: bool, **options: object
) -> None:
    """Show why an alarm was raised: the sentence, the numbers, and the readings around it.

    ALERT_ID is the id of an alert, or of an episode (its newest event). The readings come from the readings topic and
    are there as long as that is kept.
    """
    settings = laid_out(need_brokers(load_settings(**options)))
    skipped = Skipped()
    with told(skipped):
        evidence = gather(settings, alert_id, before, after, skipped)
        _show(evidence, svg, as_json)


def _show(evidence: Evidence, svg: Path | None, as_json: bool) -> None:
    signal = evidence.alert.source.name if evidence.alert.source.name in INDEX else None
    if svg is not None:
        _write(svg, evidence, signal)
    if as_json:
        print_json(_data(evidence))
        return
    console = Console(highlight=False)
    console.print(headline(evidence))
    console.print(facts(evidence))
    console.print()
    if not evidence.moments:
        console.print("The readings topic holds no frame of this patient around the event.", style="yellow")
        return
    console.print(plot(evidence, signal, console.width) if signal else arrivals(evidence, console.width))
    console.print(signals_table(evidence))
    if svg is not None:
        say(f"picture: {svg}")


def _write(path: Path, evidence: Evidence, signal: str | None) -> None:
    if signal is None:
        raise UsageError(f"--svg: alert {evidence.alert.id} is about no single signal")
    title = f"{SIGNALS[INDEX[signal]].title}, {SIGNALS[INDEX[signal]].unit}"
    try:
        path.write_text(picture(evidence, signal, title), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--svg {path}: {error.strerror}") from None


def _data(evidence: Evidence) -> dict[str, object]:
    """Return everything as plain data; times in ms, null = no valid reading."""
    return {
        "alert": evidence.alert.model_dump(mode="json"),
        "events": [event.model_dump(mode="json") for event in evidence.events],
        "readings": [
            {
                "t_ms": one.t_ms,
                **{name: None if math.isnan(value) else value for name, value in one.signals.items()},
            }
            for one in evidence.moments
        ],
    }
