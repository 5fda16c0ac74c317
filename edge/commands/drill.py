"""`vigil drill`: hands over to the drills, which bring their own Kafka and workers."""

import os
import sys

import click

from edge.project import ROOT


@click.command()
@click.argument("name")
@click.option("--seconds", type=float, help="How long the load lasts; each drill has its own length.")
@click.option("--minutes", type=float, help="Likewise.")
@click.option("--hours", type=float, help="Likewise, for `chaos`.")
@click.option("--seed", type=int, help="Same seed, same load and same moments of the faults.")
@click.option("--rate", type=float, help="Frames per second, over all patients.")
@click.option("--patients", type=int, help="How many send.")
@click.option("--sabotage", metavar="FAULT", help="Build a fault into the workers: the drill must fail.")
@click.option("--brokers", metavar="HOST:PORT[,...]", help="A Kafka that runs; else the drill starts one.")
@click.option("--keep", type=click.Path(exists=True, file_okay=False), help="Leave logs and ledger there.")
@click.option(
    "--from", "from_", metavar="REF", help="Of `upgrade`: the earlier release; else the newest tag."
)
@click.option(
    "--json", "json_", type=click.Path(dir_okay=False), metavar="FILE", help="Write what was found."
)
def drill(name: str, **options: object) -> None:
    """Run a fault drill, or `all`: load, a fault, and the proof from the topics that nothing was lost.

    Needs Java 17 and, the first time, Maven. Exit code 1: a promise broke. An unknown name lists those there are.
    """
    command = [sys.executable, "-P", "-m", "bench.drills", name]
    for option, value in options.items():
        if value is not None:
            command += [f"--{option.rstrip('_')}", str(value)]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})
