"""`python -m bench.sizing`: what a number of beds needs. `--tables` prints the generated part of docs/sizing.md."""

import argparse
import json
import sys
from dataclasses import replace
from typing import Final

from bench.sizing import page
from bench.sizing.bounds import reached
from bench.sizing.encoded import MEASURED, sizes
from bench.sizing.measured import load
from bench.sizing.reckoning import Plan, Site, reckon
from streams.errors import UsageError, VigilError

TABLE_BEDS: Final = (100, 1_000, 50_000, 1_000_000)
TABLE_DEVICES: Final = 3
TABLE_SIGNALS: Final = 7
BEDS_MAX: Final = 10_000_000


def main() -> int:
    """Plan for the site that the options describe; return the exit code."""
    given = _options().parse_args()
    try:
        if given.tables:
            print(tables(), end="")
            return 0
        _check(given)
        weights, found = sizes(given.devices, given.signals), load()
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    site = Site(given.beds, given.devices, given.rate, given.alarms, given.replication, given.board_age)
    parts = (
        reckon(site, weights, found),
        weights,
        found,
        reached(site, lambda one: reckon(one, weights, found)),
    )
    if given.json:
        print(json.dumps(page.as_json(*parts), indent=2))
    else:
        print("\n".join(page.lines(*parts)))
    return 0


def tables() -> str:
    """Return the generated part of docs/sizing.md."""
    weights, found = sizes(TABLE_DEVICES, TABLE_SIGNALS), load()

    def plan(site: Site) -> Plan:
        return reckon(site, weights, found)

    site = Site(TABLE_BEDS[0], TABLE_DEVICES)
    plans = [plan(replace(site, beds=beds)) for beds in TABLE_BEDS]
    return "\n".join((page.table(plans), page.topics_table(plans), page.bounds_table(reached(site, plan))))


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(prog="vigil plan", description="What a number of beds needs.")
    options.add_argument("--beds", type=int, default=1_000, help="with a patient in each (%(default)s)")
    options.add_argument("--devices", type=int, default=1, help="of a bed (%(default)s)")
    options.add_argument(
        "--signals", type=int, default=7, help=f"of a frame, 1 to {len(MEASURED)} (%(default)s)"
    )
    options.add_argument("--rate", type=float, default=1.0, help="frames a second of a device (%(default)s)")
    options.add_argument("--alarms", type=float, default=187.0, help="of a bed and day (%(default)s)")
    options.add_argument("--replication", type=int, default=3, help="copies of each topic (%(default)s)")
    options.add_argument(
        "--board-age", type=float, default=5.0, help="values on boards may be so old, s (%(default)s)"
    )
    options.add_argument("--json", action="store_true", help="print JSON")
    options.add_argument("--tables", action="store_true", help=argparse.SUPPRESS)
    return options


def _check(given: argparse.Namespace) -> None:
    """Refuse what no site is like.

    Raises:
        UsageError: an option is out of its range.
    """
    for name, low, high in (
        ("beds", 1, BEDS_MAX),
        ("devices", 1, 16),
        ("signals", 1, len(MEASURED)),
        ("rate", 0.001, 100.0),
        ("alarms", 0.0, 10_000.0),
        ("replication", 1, 7),
        ("board_age", 5.0, 3_600.0),
    ):
        if not low <= getattr(given, name) <= high:  # nan is within nothing
            raise UsageError(
                f"--{name.replace('_', '-')}: {getattr(given, name)} is not {low:,g} to {high:,g}"
            )


if __name__ == "__main__":
    sys.exit(main())
