"""`vigil watch`: the watcher outside that alarms when a partition's signs of life cease."""

import time
from contextlib import ExitStack
from typing import Final

import click

from edge.options import brokers_option, group_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.records import Skipped, told
from edge.watching.ears import Ears
from edge.watching.log_look import LogLook
from edge.watching.losses import Losses
from edge.watching.signs import BEHIND_S_MAX, SILENT_S_MAX, Bounds, Signs
from edge.watching.writer import Writer
from streams import producers
from streams.errors import VigilError
from streams.settings import Settings, load_settings
from streams.topics import ALERTS

LOOK_S: Final = 0.5


@click.command()
@brokers_option
@group_option
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
    """Watch every partition's signs of life; one line and exit code 1 when monitoring is lost.

    Lost is a partition without a heartbeat for --silent seconds, whose judging or delivery is --behind seconds
    behind, or whose heartbeats are not borne out: the group's offsets do not follow the readings, no tick comes into
    them, or the canary's alert does not come back. Run it where the workers are not: what dies with them raises no
    alarm. While the brokers are away alerts are kept, and written when they are back.
    """
    settings = need_brokers(load_settings(**options))
    bounds = Bounds(silent_s, behind_s, commit_s=settings.checkpoint_interval_s)
    until_s = None if for_s is None else time.monotonic() + for_s
    skipped, losses = Skipped(), Losses()
    with ExitStack() as stack:
        stack.enter_context(told(skipped))
        ears = stack.enter_context(Ears(settings, skipped))
        signs = Signs(ears.partitions, time.monotonic(), bounds)
        log_look = stack.enter_context(LogLook(settings, ears.partitions))
        writer = stack.enter_context(Writer(losses, _producer(settings, stack) if alerting else None))
        while until_s is None or time.monotonic() < until_s:
            ears.hear(signs, LOOK_S)
            if (look := log_look.take()) is not None:
                for partition, (end, committed) in look.found.items():
                    signs.looked(partition, end, committed, look.at_s)
            now = signs.lost(time.monotonic())
            _note(losses, now, as_json)
            writer.turn()
            if now and not keep_going:
                raise VigilError(f"monitoring lost: {len(now)} of {len(ears.partitions)} partitions")


def _producer(settings: Settings, stack: ExitStack) -> producers.Producer:
    return stack.enter_context(producers.Producer(settings, producers.ALERTS, settings.topic(ALERTS)))


def _note(losses: Losses, now: dict[int, str], as_json: bool) -> None:
    """Say and keep what has changed since the last look."""
    now_ms = int(time.time() * 1000)
    for partition in sorted(now.keys() ^ losses.lost):
        if why := now.get(partition, ""):
            losses.begin(partition, why, now_ms)
        else:
            losses.end(partition, now_ms)
        state = "lost" if why else "back"
        if as_json:
            print_json({"partition": partition, "monitoring": state, "reason": why or None, "ts_ms": now_ms})
        else:
            say(f"monitoring {state}: partition {partition}{', ' + why if why else ''}")
