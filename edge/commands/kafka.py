"""`vigil kafka start|stop|status`: Apache Kafka itself, in the background of this checkout, no Docker."""

from dataclasses import asdict

import click

from edge.brokers.background import Running, running, start_background, stop_background
from edge.brokers.cluster import NODES_ALLOWED
from edge.printing import print_json, say


@click.group()
def kafka() -> None:
    """Run Apache Kafka on this machine without Docker (Java 17 or newer; Maven for the first start).

    For development, tests and benchmarks: it listens on loopback only and its data is removed when it stops.
    """


@kafka.command()
@click.option(
    "--nodes",
    type=click.Choice([str(number) for number in NODES_ALLOWED]),
    default="1",
    show_default=True,
    help="3: every topic in three copies, two of which must acknowledge.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def start(nodes: str, as_json: bool) -> None:
    """Start Kafka in the background and print its address."""
    say("starting Apache Kafka (the first time its jars are downloaded, about 45 MB) ...", err=True)
    _print(start_background(int(nodes)), as_json)
    if not as_json:
        say("stop it with: vigil kafka stop")


@kafka.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stop(as_json: bool) -> None:
    """Stop the Kafka that `start` started and remove its data."""
    stopped = stop_background()
    if as_json:
        print_json({"stopped": stopped is not None})
    else:
        say("no Kafka was running" if stopped is None else f"stopped Kafka at {stopped.bootstrap}")


@kafka.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Tell whether Kafka runs in the background, and where; exit code 1 when it does not."""
    present = running()
    _print(present, as_json)
    if present is None:
        raise click.exceptions.Exit(1)


def _print(present: Running | None, as_json: bool) -> None:
    if as_json:
        told = {"running": False} if present is None else {"running": True, **asdict(present)}
        print_json(told)
    elif present is None:
        say("no Kafka is running; start one with: vigil kafka start")
    else:
        lost = len(present.pids) - len(present.alive())
        say(f"Kafka {present.version}, {len(present.pids)} node(s){f', {lost} of them dead' if lost else ''}")
        say(f"export VIGIL_BROKERS={present.bootstrap}")
        say(f"data and logs: {present.home}")
