"""`vigil alerts`."""

import time
from dataclasses import dataclass
from typing import Final

import click

from edge.alert_feed import AlertFeed, Received
from edge.options import brokers_option, json_option, need_brokers
from edge.printing import Coloured, say, say_json
from edge.records import told
from edge.since import Since, moment_ms
from edge.stays_seen import Whereabouts
from edge.ward_state import CANARY, SEVERITIES, severity_of
from streams.config.settings import load_settings
from streams.contracts.alert import Alert

POLL_S: Final = 0.5
START: Final = "start"
NOW: Final = "now"
_STYLES: Final = {"high": "red", "medium": "yellow", "low": "cyan", "technical": "magenta"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts are printed; None and empty are all."""

    patient: str | None = None
    ward: str | None = None
    rules: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    canary: bool = False

    def takes(self, alert: Alert) -> bool:
        """Tell whether an alert is wanted, whatever its ward."""
        if alert.rule == CANARY and not (
            self.canary or self.patient == alert.patient or CANARY in self.rules
        ):
            return False
        return (
            self.patient in (None, alert.patient)
            and (not self.rules or alert.rule in self.rules)
            and (not self.severities or severity_of(alert) in self.severities)
        )


@click.command()
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--follow", "-f", is_flag=True, help="Go on as alerts come, until Ctrl-C.")
@click.option("--patient", help="Only this patient's.")
@click.option("--ward", help="Only of patients who are in this ward now, by its id.")
@click.option("--rule", "rules", multiple=True, help="Only of this rule; may be repeated.")
@click.option(
    "--priority", "severities", multiple=True, type=click.Choice(SEVERITIES), help="May be repeated."
)
@click.option("--canary", is_flag=True, help="Also the canary's, by which Vigil watches itself.")
@click.option(
    "--since",
    type=Since(START, NOW),
    help="start, now, how long ago (15m, 2h, 7d), or a time with its zone. Default: start; with --follow: now.",
)
@click.option("--limit", type=click.IntRange(min=1), help="End after so many.")
@json_option
def alerts(
    follow: bool,
    patient: str | None,
    ward: str | None,
    rules: tuple[str, ...],
    severities: tuple[str, ...],
    canary: bool,
    since: str | None,
    limit: int | None,
    as_json: bool,
    **options: object,
) -> None:
    """Print the alerts, one a line: time of the deciding sample, severity, phase, patient, rule, reason.

    Times are of the ward's clock, with the offset. With --json one JSON object a line, as on the topic. Partitions are
    read side by side, so only the alerts of one patient are sure to be in order. --priority technical are those about
    devices and data, whatever their priority.
    """
    settings = need_brokers(load_settings(**options))
    wanted = Wanted(patient, ward, rules, severities, canary)
    with AlertFeed(settings, _since(since, follow)) as feed, told(feed.skipped):
        places = Whereabouts(settings, feed.skipped)
        printed = 0
        while True:
            ended = not follow and feed.reached_end
            for received in feed.poll(0 if ended else POLL_S):
                alert = received.alert
                if not wanted.takes(alert) or ward not in (None, ward and places.ward_of(alert.patient)):
                    continue
                if as_json:
                    say_json(alert.model_dump_json())
                else:
                    say(*line(received, places.at(alert.patient, alert.event_ts_ms)))
                printed += 1
                if printed == limit:
                    return
            if ended:
                return


def _since(said: str | None, follow: bool) -> int | None:
    """Return from when on alerts are read, ms; 0 = from the start, None = those that come now."""
    if said is None:
        said = NOW if follow else START
    return {START: 0, NOW: None}[said] if said in (START, NOW) else moment_ms(said, round(time.time() * 1000))


def line(received: Received, at: str) -> tuple[str | Coloured, ...]:
    """Return one alert for people; `at` is its time in words."""
    alert, severity = received.alert, severity_of(received.alert)
    what = f"  {alert.phase:<10}  {alert.patient}  {alert.rule}  {alert.reason}"
    return f"{at}  ", Coloured(f"{severity:<9}", _STYLES[severity]), what
