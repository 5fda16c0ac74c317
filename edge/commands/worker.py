"""`vigil worker`."""

import sys
from typing import Final

import click

from edge.options import brokers_option, group_option, need_brokers, rules_option
from edge.printing import say
from edge.supervisor import attend, supervise
from edge.told_to_end import told_to_end
from streams.config.settings import load_settings

WORKERS_MAX: Final = 64


@click.command()
@brokers_option
@group_option
@click.option(
    "--workers", type=click.IntRange(1, WORKERS_MAX), default=1, show_default=True, help="Processes."
)
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--partitions", type=int, help="Of the readings, as they were created.")
@rules_option
@click.option("--time-base", type=click.Choice(["live", "recorded"]), help="Whose time counts.")
@click.option("--metrics-host", help="Where /metrics is served.")
@click.option("--metrics-port", type=int, help="Port of the first worker's /metrics; 0 = any free one.")
@click.option("--checkpoint-interval-s", type=float, help="Between two checkpoints of a partition.")
def worker(workers: int, **options: object) -> None:
    """Run workers in the foreground: readings in, alerts out.

    Start as many as there are partitions at most; they share the patients. SIGTERM and Ctrl-C end each after a
    checkpoint. This process is the parent of all: when one dies, it has the group drop it at once. Several are started
    again; with one this process ends too, with the worker's exit code. Every other setting is a VIGIL_... variable,
    see `vigil doctor`.

    Exit code 0 after a drain, 3 if the first start finds no broker, 70 (one worker) or 1 (several) if state or
    alerts could not be made durable, or a drain did not come to an end within 30 s; 128 + n (one worker) if signal n
    ended it.
    """
    settings = need_brokers(load_settings(**options))
    with told_to_end() as ending:
        if workers > 1:
            supervise(settings, workers, ending, _say)
        else:
            sys.exit(attend(settings, ending, _say))


def _say(line: str) -> None:
    say(f"vigil: {line}", err=True)
