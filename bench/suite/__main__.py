"""`python -m bench.suite`: measure systems on one Kafka, then write report.json, report.md and plots.

Each figure is a file in the results folder as soon as it is measured; the report is made of all of them. What is there
is not measured again: a run that was cut off, or out of time, is continued by the same command. `--plan` prints what
would be measured and how long that takes; with `--phases report` nothing is measured.
"""

import argparse
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from bench.machine import commit
from bench.suite import growth
from bench.suite.order import MINUTES, PHASES, QUICK_MINUTES, REPEATS, table
from bench.suite.report import write
from bench.suite.results import Results
from bench.suite.run import Run, Wanted
from bench.suite.systems import SYSTEMS
from edge.brokers.cluster import KafkaCluster
from streams.errors import VigilError

HERE: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = HERE.parent / ".cache" / "bench"
BROKER: Final = {"group.initial.rebalance.delay.ms": "3000"}
"""What a broker does unless told otherwise (`KafkaCluster` tells it so, to start fast): those who join a new group at
about the same time share its partitions from the beginning. Else the first may have them all, and hands half of them
over in the middle of what is measured, or not: a matter of milliseconds at the start."""

QUICK_SYSTEMS: Final = ["vigil", "faust", "kafka-streams", "flink", "raw-librdkafka"]
ALL_SYSTEMS: Final = [name for name in SYSTEMS if name != growth.SYSTEM]


def main() -> int:
    """Measure and report; return the exit code: 1 when something that was wanted could not be measured."""
    given = _options().parse_args()
    quick = given.quick
    wanted = Wanted(
        systems=_flat(given.systems) or (QUICK_SYSTEMS if quick else ALL_SYSTEMS),
        phases=_flat(given.phases) or list(PHASES),
        repeats=given.repeats or (1 if quick else REPEATS),
        partitions=given.partitions,
        scale=given.scale or (0.4 if quick else 1.0),
        quick=quick,
        low_hz=given.low,
        high_hz=given.high,
        minutes=given.minutes or (QUICK_MINUTES if quick else MINUTES),
    )
    if given.plan:
        print(table(wanted.items(), wanted.minutes))
        return 0
    if given.fresh:
        shutil.rmtree(given.results, ignore_errors=True)
    results = Results(given.results, commit())
    failed = 0
    try:
        if wanted.phases != ["report"]:
            failed = _measure(wanted, results)
        write(results, given.report, quick)
    except VigilError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    print(
        f"bench: report.md and report.json written to {given.report}, {failed} measurements failed",
        file=sys.stderr,
    )
    return 1 if failed else 0


def _measure(wanted: Wanted, results: Results) -> int:
    """Measure and return how much failed; what was measured before a Ctrl-C stays for the next run."""
    try:
        with KafkaCluster(extra=BROKER) as kafka:
            return Run(kafka, wanted, results).all()
    except KeyboardInterrupt:
        print("bench: cut off; the same command without --fresh goes on", file=sys.stderr)
        return 1


def _some_of(known: Collection[str]) -> Callable[[str], list[str]]:
    """Return a parser of names, with commas between them or as words of their own."""

    def names(text: str) -> list[str]:
        found = text.split(",")
        if unknown := set(found) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose of {', '.join(known)}")
        return found

    return names


def _flat(lists: list[list[str]] | None) -> list[str]:
    return [name for names in lists or [] for name in names]


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        prog="python -m bench.suite",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument(
        "--systems", nargs="+", type=_some_of(SYSTEMS), help=f"only these of {','.join(SYSTEMS)}"
    )
    phases = [*PHASES, "report"]
    options.add_argument(
        "--phases", nargs="+", type=_some_of(phases), help=f"only these of {','.join(phases)}"
    )
    options.add_argument("--repeats", type=int, help=f"rounds of drains ({REPEATS}, quick 1)")
    options.add_argument("--partitions", type=int, default=8, help="of the readings (%(default)s)")
    options.add_argument("--scale", type=float, help="of the drained logs' lengths (1, quick 0.4)")
    options.add_argument("--low", type=float, help="low base rate, frames/s; else of the results")
    options.add_argument("--high", type=float, help="high base rate, frames/s; else of the results")
    options.add_argument("--quick", action="store_true", help="five systems, one repeat, no search")
    options.add_argument("--fresh", action="store_true", help="forget what was measured before")
    options.add_argument(
        "--minutes", type=float, help=f"that it may take ({MINUTES:g}, quick {QUICK_MINUTES:g})"
    )
    options.add_argument("--plan", action="store_true", help="measure nothing, print what would be measured")
    options.add_argument("--report", type=Path, default=HERE, help="folder of the report (%(default)s)")
    options.add_argument("--results", type=Path, default=RESULTS, help="folder (%(default)s)")
    return options


if __name__ == "__main__":
    sys.exit(main())
