"""A worker that is handed its changelog record by record, as Faust does by itself; for comparison only."""

import sys

import faust

from agents.wiring import Flow
from bench.drills.changed_worker import run_changed

RECORD_BY_RECORD = "record by record"


def record_by_record(app: faust.App, _: Flow) -> None:
    """Let changelog blocks hold one record each."""
    app.transport.lane.records_max = 1


if __name__ == "__main__":
    sys.exit(run_changed(record_by_record))
