"""The worker's own entry with a change made to its flow from outside, once it is wired."""

from collections.abc import Callable

import agents.__main__ as entry
from agents.health.metrics import Metrics
from agents.rules_turn import RulesTurn
from agents.wiring import Flow, wire
from clinical.rules import RuleSet
from streams.config.settings import Settings


def run_changed(change: Callable[[Flow], None]) -> int:
    """Run the worker as `agents.__main__` does, with the change; return its exit code."""

    def wire_and_change(
        settings: Settings, rules: RuleSet, metrics: Metrics | None = None, turn: RulesTurn | None = None
    ) -> Flow:
        flow = wire(settings, rules, metrics, turn)
        change(flow)
        return flow

    entry.wire = wire_and_change  # type: ignore[attr-defined]
    return entry.main()
