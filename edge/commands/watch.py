"""`vigil watch`: the watcher outside that alarms when a partition's heartbeat ceases."""

import time
from typing import Final

import click
from kafka.errors import KafkaError

from edge.heartbeat import BEHIND_S_MAX, SILENT_S_MAX, HeartbeatFeed, monitoring_alert
from edge.options import brokers_option, json_option, need_brokers, print_json
from streams.alerts import Alert
from streams.connect import connect_producer
from streams.errors import VigilError
from streams.settings import Settings, load_settings
from streams.topics import ALERTS

LOOK_S: Final = 0.5
SEND_S_MAX: Final = 5.0


@click.command()
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--silent", "silent_s", type=float, default=SILENT_S_MAX, show_default=True, help="Seconds.")
@click.option("--behind", "behind_s", type=float, default=BEHIND_S_MAX, show_default=True, help="Seconds.")
@click.option(
    "--for", "for_s", type=click.FloatRange(min=0), help="End after so many seconds if all is well."
)
@click.option("--keep-going", is_flag=True, help="Say what is lost and what is back, and go on.")
@click.option(
    "--alert", "alerting", is_flag=True, help="Write a high-priority alert of each lost partition too."
)
@json_option
def watch(
    silent_s: float,
    behind_s: float,
    for_s: float | None,
    keep_going: bool,
    alerting: bool,
    as_json: bool,
    **options: object,
) -> None:
    """Watch every partition's heartbeat; one line and exit code 1 when monitoring is lost.

    Lost is a partition without a beat for --silent seconds, or whose judging or delivery is --behind seconds
    behind. Run it where the workers are not: what dies with them raises no alarm.
    """
    settings = need_brokers(load_settings(**options))
    until_s = None if for_s is None else time.monotonic() + for_s
    lost: dict[int, int] = {}
    with HeartbeatFeed(settings) as feed, _Alerting(settings, alerting) as alerts:
        while until_s is None or time.monotonic() < until_s:
            feed.poll(LOOK_S)
            now, now_ms = feed.lost(silent_s, behind_s), int(time.time() * 1000)
            for partition in sorted(now.keys() ^ lost.keys()):
                why = now.get(partition)
                onset_ms = lost.setdefault(partition, now_ms) if why else lost.pop(partition)
                _say(partition, why, as_json)
                alerts.send(partition, monitoring_alert(partition, onset_ms, now_ms, why))
            if now and not keep_going:
                raise VigilError(f"monitoring lost: {len(now)} of {len(feed.partitions)} partitions")


def _say(partition: int, why: str | None, as_json: bool) -> None:
    state = "lost" if why else "back"
    if as_json:
        print_json({"partition": partition, "monitoring": state, "reason": why})
    else:
        click.echo(f"monitoring {state}: partition {partition}{', ' + why if why else ''}")


class _Alerting:
    """Writes alerts, if that is wanted; what the broker does not take in time is said and does not end the watch."""

    def __init__(self, settings: Settings, wanted: bool) -> None:
        self._topic = settings.topic(ALERTS)
        self._producer = connect_producer(settings) if wanted else None

    def __enter__(self) -> "_Alerting":
        return self

    def __exit__(self, *_: object) -> None:
        if self._producer is not None:
            self._producer.close(timeout=SEND_S_MAX)

    def send(self, partition: int, alert: Alert) -> None:
        """Write an alert into the partition that it is about."""
        if self._producer is None:
            return
        try:
            self._producer.send(
                self._topic, alert.model_dump_json().encode(), key=alert.patient.encode(), partition=partition
            ).get(timeout=SEND_S_MAX)
        except KafkaError as error:
            click.echo(f"vigil: the alert was not written: {error}", err=True)
