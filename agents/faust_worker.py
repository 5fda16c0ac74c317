"""The flow as a Faust app: its lane over Faust's consumer, its partitions as Faust's table, its timers and tasks."""

from collections.abc import Callable

import faust

from agents.health.metrics import Metrics
from agents.rules_turn import RulesTurn
from agents.traces import UNTRACED, Traces
from agents.wiring import Flow, always, wire
from clinical.rules import RuleSet
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.lane.app import PATIENTS_TABLE, create_app, publisher_of
from streams.lane.block_table import BlockTable
from streams.lane.faust_lane import FaustLane


def build(
    settings: Settings,
    rules: RuleSet,
    metrics: Metrics | None = None,
    turn: RulesTurn | None = None,
    traces: Traces = UNTRACED,
    may_tick: Callable[[int], bool] = always,
) -> tuple[faust.App, Flow]:
    """Return a worker's app, which nothing has started yet, and what is wired in it."""
    app = create_app(settings)
    lane = FaustLane(app, settings.topic(READINGS))
    publisher = publisher_of(app, settings, traces.sending)
    flow = wire(
        *(settings, rules, lane, publisher), metrics=metrics, turn=turn, traces=traces, may_tick=may_tick
    )
    app.tables.add(BlockTable(app, name=PATIENTS_TABLE, store=flow.store))
    for timer in flow.timers:
        app.timer(timer.every_s, name=timer.name)(timer.run)
    for task in flow.tasks:
        app.task(task)
    return app, flow
