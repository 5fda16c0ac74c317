"""The worker's own entry with a change made to its flow from outside, once it is wired."""

from collections.abc import Callable

import faust

import agents.__main__ as entry
from agents.faust_worker import build
from agents.health.metrics import Metrics
from agents.rules_turn import RulesTurn
from agents.traces import UNTRACED, Traces
from agents.wiring import Flow, always
from clinical.rules import RuleSet
from streams.config.settings import Settings


def run_changed(change: Callable[[faust.App, Flow], None]) -> int:
    """Run the worker as `agents.__main__` does, with the change; return its exit code."""

    def build_and_change(
        settings: Settings,
        rules: RuleSet,
        metrics: Metrics | None = None,
        turn: RulesTurn | None = None,
        traces: Traces = UNTRACED,
        may_tick: Callable[[int], bool] = always,
    ) -> tuple[faust.App, Flow]:
        app, flow = build(settings, rules, metrics, turn, traces, may_tick)
        change(app, flow)
        return app, flow

    entry.build = build_and_change  # type: ignore[attr-defined]
    return entry.main()
