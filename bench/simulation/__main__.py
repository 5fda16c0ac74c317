"""`python -m bench.simulation --seeds 1000`: run schedules; a failing one is printed and replays with `--seed`."""

import argparse
import logging
import sys
import time

from bench.simulation.schedule import Outcome, simulate
from streams.engine import prepare_ahead


def main() -> int:
    """Run the schedules; return 1 when one of them breaks a promise."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, default=1000, help="how many schedules (%(default)s)")
    options.add_argument("--first", type=int, default=0, help="the first seed (%(default)s)")
    options.add_argument("--seed", type=int, help="replay this schedule and print all of it")
    options.add_argument("--keep-going", action="store_true", help="do not stop at the first failure")
    given = options.parse_args()
    prepare_ahead()
    logging.disable(logging.CRITICAL)
    if given.seed is not None:
        outcome = simulate(given.seed)
        _print(outcome)
        return 1 if outcome.broken else 0
    started_s, failed = time.perf_counter(), 0
    for seed in range(given.first, given.first + given.seeds):
        outcome = simulate(seed)
        if outcome.broken:
            failed += 1
            if failed == 1:
                _print(outcome)
            else:
                print(f"seed {seed}: {'; '.join(outcome.broken[:3])}")
            if not given.keep_going:
                break
    done = seed + 1 - given.first
    print(f"{done} schedules in {time.perf_counter() - started_s:.1f} s, {failed} broke a promise")
    return 1 if failed else 0


def _print(outcome: Outcome) -> None:
    for number, what in enumerate(outcome.happened, 1):
        print(f"{number:5} {what}")
    print(f"seed {outcome.seed}: {'no promise was broken' if not outcome.broken else ''}")
    for broken in outcome.broken:
        print(f"  {broken}")


if __name__ == "__main__":
    sys.exit(main())
