"""`vigil watch`: the watcher outside that alarms when a partition's heartbeat ceases."""

import time
from typing import Final

import click

from edge.heartbeat import BEHIND_S_MAX, SILENT_S_MAX, HeartbeatFeed
from edge.options import brokers_option, json_option, need_brokers, print_json
from streams.errors import VigilError
from streams.settings import load_settings

LOOK_S: Final = 0.5


@click.command()
@brokers_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--silent", "silent_s", type=float, default=SILENT_S_MAX, show_default=True, help="Seconds.")
@click.option("--behind", "behind_s", type=float, default=BEHIND_S_MAX, show_default=True, help="Seconds.")
@click.option(
    "--for", "for_s", type=click.FloatRange(min=0), help="End after so many seconds if all is well."
)
@click.option("--keep-going", is_flag=True, help="Say what is lost and what is back, and go on.")
@json_option
def watch(
    silent_s: float, behind_s: float, for_s: float | None, keep_going: bool, as_json: bool, **options: object
) -> None:
    """Watch every partition's heartbeat; one line and exit code 1 when monitoring is lost.

    Lost is a partition without a beat for --silent seconds, or whose judging or delivery is --behind seconds
    behind. Run it where the workers are not: what dies with them raises no alarm.
    """
    settings = need_brokers(load_settings(**options))
    until_s = None if for_s is None else time.monotonic() + for_s
    lost: dict[int, str] = {}
    with HeartbeatFeed(settings) as feed:
        while until_s is None or time.monotonic() < until_s:
            feed.poll(LOOK_S)
            now = feed.lost(silent_s, behind_s)
            for partition in sorted(now.keys() ^ lost.keys()):
                state = "lost" if partition in now else "back"
                why = now.get(partition, "it beats again")
                if as_json:
                    print_json({"partition": partition, "monitoring": state, "reason": why})
                else:
                    click.echo(f"monitoring {state}: partition {partition}, {why}")
            if now and not keep_going:
                raise VigilError(f"monitoring lost: {len(now)} of {len(feed.partitions)} partitions")
            lost = now
