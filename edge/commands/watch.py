"""`vigil watch`: the watcher outside that alarms when a partition's or a channel's signs of life cease."""

import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing
from typing import Any, Final

import click

from edge.options import brokers_option, group_option, json_option, need_brokers
from edge.printing import print_json, say
from edge.records import Skipped, told
from edge.watching.ears import Ears
from edge.watching.hops import Hops, cut_alert
from edge.watching.log_look import LogLook
from edge.watching.monitoring_losses import Losses, Lost
from edge.watching.signs import BEHIND_S_MAX, SILENT_S_MAX, Bounds, Signs
from edge.watching.writer import Writer
from streams.config.routing import DEFAULT_ROUTING
from streams.config.routing_file import load_routing
from streams.config.settings import Settings, load_settings
from streams.contracts.topics import ALERTS
from streams.errors import VigilError
from streams.kafka import producers
from streams.kafka.layout_log import laid_out

LOOK_S: Final = 0.5


@click.command()
@brokers_option
@group_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--routing", help="Routing file: which channels canaries have to come through.")
@click.option("--silent", "silent_s", type=float, default=SILENT_S_MAX, show_default=True, help="Seconds.")
@click.option("--behind", "behind_s", type=float, default=BEHIND_S_MAX, show_default=True, help="Seconds.")
@click.option(
    "--for", "for_s", type=click.FloatRange(min=0), help="End after so many seconds if all is well."
)
@click.option("--keep-going", is_flag=True, help="Say what is lost and what is back, and go on.")
@click.option("--alert", "alerting", is_flag=True, help="Write a high-priority alert of each loss too.")
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
    """Watch every partition's signs of life, and every channel's; exit code 1 when monitoring is lost.

    Lost is a partition without a heartbeat for --silent seconds, whose judging or delivery is --behind seconds
    behind, or whose heartbeats are not borne out: the group's offsets do not follow the readings, no tick comes into
    them, or the canary's alert does not come back. Cut is a channel through which no canary has come for 140 s; those
    are watched that the routing file sends canaries over, and others once one has come. Run it where the workers are
    not: what dies with them raises no alarm. While the brokers are away alerts are kept, and written when they are
    back.
    """
    settings = need_brokers(load_settings(**options))
    bounds = Bounds(silent_s, behind_s, commit_s=settings.checkpoint_interval_s)
    until_s = None if for_s is None else time.monotonic() + for_s
    skipped, losses, cuts = Skipped(), Losses(), Losses(cut_alert)
    with ExitStack() as stack:
        stack.enter_context(told(skipped))
        producer = _producer(settings, stack) if alerting else None
        writers = [stack.enter_context(Writer(one, producer)) for one in (losses, cuts)]
        hops = Hops(_channels(settings), time.monotonic())
        while (
            until_s is None or time.monotonic() < until_s
        ):  # anew when the readings were given more partitions
            with closing(_looks(laid_out(settings), bounds, hops, skipped, until_s)) as looks:
                for lost, cut, count in looks:
                    _note(losses, lost, "partition", as_json)
                    _note(cuts, cut, "channel", as_json)
                    for writer in writers:
                        writer.turn()
                    if lost and not keep_going:
                        raise VigilError(f"monitoring lost: {len(lost)} of {count} partitions")
                    if cut and not keep_going:
                        raise VigilError(f"channels cut: {len(cut)} of {len(hops.channels)}")


def _looks(
    settings: Settings, bounds: Bounds, hops: Hops, skipped: Skipped, until_s: float | None
) -> Generator[tuple[Mapping[int, str], Mapping[str, str], int]]:
    """Yield what is lost and cut at each look, and how many partitions there are, for as long as there are so many."""
    with Ears(settings, skipped) as ears, LogLook(settings, ears.partitions) as log_look:
        signs = Signs(ears.partitions, time.monotonic(), bounds)
        count = len(ears.partitions)
        while until_s is None or time.monotonic() < until_s:
            # A beat alone, which anybody might have written, ends no watch.
            if ears.beating != count and laid_out(settings).generation != settings.generation:
                return
            ears.beating = count
            ears.hear(signs, hops, LOOK_S)
            if (look := log_look.take()) is not None:
                for partition, (end, committed) in look.found.items():
                    signs.looked(partition, end, committed, look.at_s)
            yield signs.lost(time.monotonic()), hops.cut(time.monotonic()), count


def _channels(settings: Settings) -> list[str]:
    """Return the channels over which the routing file sends canaries."""
    routing = load_routing(settings.routing) if settings.routing else DEFAULT_ROUTING
    return [name for name, channel in routing.channels.items() if channel.options.get("canary") is True]


def _producer(settings: Settings, stack: ExitStack) -> producers.Producer:
    return stack.enter_context(producers.Producer(settings, producers.ALERTS, settings.topic(ALERTS)))


def _note(losses: Losses, now: Mapping[Any, str], what: str, as_json: bool) -> None:
    """Say and keep what has changed since the last look."""
    now_ms = int(time.time() * 1000)
    found: dict[Lost, str] = dict(now)
    for one in sorted(found.keys() ^ losses.lost, key=str):
        if why := found.get(one, ""):
            losses.begin(one, why, now_ms)
        else:
            losses.end(one, now_ms)
        state = "lost" if why else "back"
        if as_json:
            print_json({what: one, "monitoring": state, "reason": why or None, "ts_ms": now_ms})
        else:
            say(f"monitoring {state}: {what} {one}{', ' + why if why else ''}")
