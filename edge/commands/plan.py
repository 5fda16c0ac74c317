"""`vigil plan`: hands over to the reckoning, which reads what was measured of this version."""

import os
import sys

import click

from edge.project import ROOT


@click.command()
@click.option("--beds", type=int, help="With a patient in each; 1,000.")
@click.option("--devices", type=int, help="Of a bed; 1.")
@click.option("--signals", type=int, help="That a frame has; 7.")
@click.option("--rate", type=float, help="Frames a second of a device; 1.")
@click.option("--alarms", type=float, help="Of a bed and day; 187.")
@click.option("--replication", type=int, help="Copies of each topic; 3.")
@click.option("--board-age", type=float, help="Values on boards may be so old, s; 5.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def plan(json_: bool, **options: float | None) -> None:
    """Reckon partitions, workers, brokers, disk, network and memory for a number of beds, and say how.

    From bench/report.json and the sizes of records as this version writes them; needs a checkout.
    """
    command = [sys.executable, "-P", "-m", "bench.sizing"]
    for option, value in options.items():
        if value is not None:
            command += [f"--{option.replace('_', '-')}", str(value)]
    command += ["--json"] if json_ else []
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})
