"""`vigil worker`."""

import os
import signal
import threading
from typing import Final

import click

from edge.options import brokers_option, group_option, need_brokers, rules_option
from edge.printing import say
from edge.supervisor import supervise
from edge.workers import worker_command, worker_environment
from streams.config.settings import Settings, load_settings

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
    checkpoint. Several run under a supervisor that starts one that dies again; with one, the worker takes over this
    process. Every other setting is a VIGIL_... variable, see `vigil doctor`.

    Exit code 0 after a drain, 3 if the first start finds no broker, 70 (one worker) or 1 (several) if state or
    alerts could not be made durable, or a drain did not come to an end within 30 s.
    """
    settings = need_brokers(load_settings(**options))
    if workers > 1:
        _run_several(settings, workers)
        return
    # The worker takes over this process, so that a service manager watches and signals the worker itself.
    command = worker_command()
    os.execve(command[0], command, worker_environment(settings))


def _run_several(settings: Settings, count: int) -> None:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    supervise(settings, count, stop, lambda line: say(f"vigil: {line}", err=True))
