"""`vigil worker`."""

import os
from pathlib import Path

import click

from edge.options import brokers_option, group_option, need_brokers
from edge.workers import worker_command, worker_environment
from streams.settings import load_settings


@click.command()
@brokers_option
@group_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@click.option("--rules", type=click.Path(path_type=Path), help="Rules file (TOML); else the built-in ones.")
@click.option("--time-base", type=click.Choice(["live", "recorded"]), help="Whose time counts.")
@click.option("--metrics-host", help="Where /metrics is served.")
@click.option("--metrics-port", type=int, help="Port of /metrics; 0 = any free one.")
@click.option("--checkpoint-interval-s", type=float, help="Between two checkpoints of a partition.")
def worker(**options: object) -> None:
    """Run one worker in the foreground: readings in, alerts out.

    Start as many as there are partitions at most; they share the patients. SIGTERM and Ctrl-C end it after a
    checkpoint. Every other setting is a VIGIL_... variable, see `vigil doctor`.
    """
    settings = need_brokers(load_settings(**options))
    # The worker takes over this process, so that a service manager watches and signals the worker itself.
    command = worker_command()
    os.execve(command[0], command, worker_environment(settings))
