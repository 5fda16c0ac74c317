"""A worker that is handed its changelog record by record, as Faust does by itself; for comparison only."""

import sys

from agents import __main__ as worker
from agents.health.metrics import Metrics
from agents.rules_turn import RulesTurn
from agents.wiring import Flow, wire
from clinical.rules import RuleSet
from streams.config.settings import Settings

RECORD_BY_RECORD = "record by record"


def wire_without_blocks(
    settings: Settings, rules: RuleSet, metrics: Metrics | None = None, turn: RulesTurn | None = None
) -> Flow:
    """Wire a worker whose changelog blocks hold one record each."""
    flow = wire(settings, rules, metrics, turn)
    flow.app.lane.records_max = 1
    return flow


if __name__ == "__main__":
    worker.wire = wire_without_blocks  # type: ignore[attr-defined]
    sys.exit(worker.main())
