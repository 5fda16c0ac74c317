"""A worker with as many standby replicas of its table as the first argument says; for comparison only."""

import sys
from functools import partial

from agents import __main__ as worker
from agents import faust_worker
from streams.lane.app import create_app

if __name__ == "__main__":
    standbys = int(sys.argv.pop(1))
    faust_worker.create_app = partial(create_app, table_standby_replicas=standbys)  # type: ignore[attr-defined]
    sys.exit(worker.main())
