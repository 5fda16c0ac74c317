"""`vigil alerts`."""

from datetime import UTC, datetime
from typing import Literal

import click

from edge.alert_feed import AlertFeed, Received
from edge.options import brokers_option, json_option, need_brokers
from edge.printing import Coloured, say, say_json
from edge.records import told
from edge.ward_state import severity_of
from streams.settings import load_settings

POLL_S = 0.5
_STYLES = {"high": "red", "medium": "yellow", "low": "cyan", "technical": "magenta"}


@click.command()
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--follow", "-f", is_flag=True, help="Go on as alerts come, until Ctrl-C.")
@click.option("--patient", help="Only this patient's.")
@click.option("--since", type=click.Choice(["start", "now"]), help="Default: start; with --follow: now.")
@click.option("--limit", type=click.IntRange(min=1), help="End after so many.")
@json_option
def alerts(
    follow: bool,
    patient: str | None,
    since: Literal["start", "now"] | None,
    limit: int | None,
    as_json: bool,
    **options: object,
) -> None:
    """Print the alerts, one a line: time of the deciding sample, severity, phase, patient, rule, reason.

    With --json one JSON object a line, as on the topic. Partitions are read side by side, so only the alerts
    of one patient are sure to be in order.
    """
    settings = need_brokers(load_settings(**options))
    with AlertFeed(settings, since or ("now" if follow else "start")) as feed, told(feed.skipped):
        printed = 0
        while True:
            ended = not follow and feed.reached_end
            for received in feed.poll(0 if ended else POLL_S):
                if patient is not None and received.alert.patient != patient:
                    continue
                if as_json:
                    say_json(received.alert.model_dump_json())
                else:
                    say(*line(received))
                printed += 1
                if printed == limit:
                    return
            if ended:
                return


def line(received: Received) -> tuple[str | Coloured, ...]:
    """Return one alert for people."""
    alert, severity = received.alert, severity_of(received.alert)
    at = datetime.fromtimestamp(alert.event_ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    what = f"  {alert.phase:<10}  {alert.patient}  {alert.rule}  {alert.reason}"
    return f"{at}  ", Coloured(f"{severity:<9}", _STYLES[severity]), what
