"""The whole flow on one screen: topics to agent to table to topics, and what runs beside it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust

from agents.board_writer import WRITE_S, Boards
from agents.command_forwarder import Commands
from agents.dead_letters import DeadLetters
from agents.health.canary import Canary
from agents.health.heartbeat import BEAT_S, Heart
from agents.health.metrics import Metrics
from agents.health.ownership import Overview
from agents.health.watchdog import Watchdog
from agents.judge_kernel import judge_kernel
from agents.judging.judge import Judge
from agents.live_windows import LiveWindows
from agents.log_alarms import LOOK_S, LogAlarms
from agents.monitor import Monitor
from agents.rules_turn import RulesTurn
from agents.ticker import TURNS, Ticker
from agents.wards.agent import Wards
from agents.wards.counts import Reports
from clinical.clock import TimeRules
from clinical.rules import RuleSet
from clinical.wards import RENEW_MS
from streams.config.settings import Settings
from streams.contracts.topics import COMMANDS, HEARTBEAT, READINGS, WARDS
from streams.kafka.publisher import Publisher
from streams.kafka.security import seals_of
from streams.lane.app import PATIENTS, create_app, publisher_of
from streams.lane.lane import BlockSchema
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore, PatientsTable
from tables.changelog.restore import Restorer

TICK_S = 1.0


@dataclass(slots=True)
class Flow:
    """A worker's parts, wired."""

    app: faust.App
    metrics: Metrics
    monitor: Monitor
    watchdog: Watchdog
    owned: Callable[[], Iterable[int]]
    """This worker's partitions at the moment."""


def wire(
    settings: Settings, rules: RuleSet, metrics: Metrics | None = None, turn: RulesTurn | None = None
) -> Flow:
    """Bind readings -> monitor -> patient table -> alerts; commands -> readings; counts -> wards -> answers.

    A shadow (`streams.kafka.shadows`) has the first of these alone.
    """
    app = create_app(settings)
    time_rules = TimeRules(
        settings.time_base == "recorded", settings.clock_ahead_ms_max, settings.live_horizon_ms
    )
    judge = Judge(
        rules,
        time_rules,
        settings.patient_ttl_s * 1000,
        settings.partitions,
        settings.patients_max,
        judge_kernel(settings.engine),
    )
    seals = seals_of(settings)
    table = app.tables.add(PatientsTable(app, name=PATIENTS, new_table=judge.new_table))
    metrics, watchdog = metrics or Metrics(), Watchdog(settings.stall_s_max)
    publisher = publisher_of(app, settings)
    judged = settings.topic(READINGS), settings.topic(COMMANDS), settings.topic(WARDS)
    overview = Overview(app, *judged, table.data, metrics, watchdog)
    table.data.on_read = watchdog.member
    changelog = table.changelog_topic.get_topic_name()
    checkpointer = Checkpointer(table.data, publisher, changelog, overview.mark_durable)
    checkpointer.on_done = metrics.checkpoint.observe
    checkpointer.committed = overview.committed
    restorer = Restorer(table.data, changelog, lambda *tps: app.consumer.earliest_offsets(*tps))
    restorer.on_rebuild = lambda partition: metrics.rebuilt.inc()
    letters = DeadLetters(settings, publisher, metrics)
    log_alarms = LogAlarms(settings, publisher, app.lane.faults, table.data, metrics, overview.owned)
    app.lane.faults.on_gone = log_alarms.note_gone
    boards = Boards(settings, judge, publisher, checkpointer.whole_blocks)
    checkpointer.write_beside = boards.write
    parties = (table.data, publisher, checkpointer, metrics, letters, boards, Reports(settings, publisher))
    monitor = Monitor(settings, judge, *parties, overview.admit, log_alarms.end, seals, turn or RulesTurn())

    app.agent(topic_of(app, settings, READINGS), name="monitor", concurrency=1)(partial_of(monitor))
    app.lane.handover = checkpointer.checkpoint_all
    app.lane.resume_at = restorer.resume_at
    app.lane.give_up_state = restorer.give_up
    app.task(partial(checkpoint_in_turns, app, overview, checkpointer, settings.checkpoint_interval_s))
    app.timer(TICK_S, name="overview")(overview.refresh)
    app.timer(LOOK_S, name="log-alarms")(log_alarms.look)
    app.timer(WRITE_S, name="boards")(partial(write_boards, boards, overview, table.data))
    flow = Flow(app, metrics, monitor, watchdog, overview.owned)
    if not settings.shadow:
        take_part(settings, flow, overview, log_alarms)
    return flow


def take_part(settings: Settings, flow: Flow, overview: Overview, log_alarms: LogAlarms) -> None:
    """Do what others wait for: forward commands, judge wards, and write that time passes."""
    app, monitor, metrics = flow.app, flow.monitor, flow.metrics
    publisher, letters = monitor.publisher, monitor.dead_letters
    wards = Wards(
        *(settings, monitor.judge.alarms, monitor.seals, publisher, letters, metrics),
        *(overview.admit, overview.mark_decided, log_alarms.end, overview.owned),
    )
    commands = Commands(
        *(settings, monitor.seals, publisher, letters, overview.admit, overview.mark_forwarded),
        log_alarms.end,
    )
    app.agent(topic_of(app, settings, COMMANDS), name="commands", concurrency=1)(partial_of(commands))
    app.agent(topic_of(app, settings, WARDS), name="wards", concurrency=1)(partial_of(wards))
    app.lane.begin_anew = wards.begin_anew
    if settings.time_base == "live":
        windows = LiveWindows(settings, monitor.seals, monitor.store, overview.owned)
        app.task(windows.serve)
        let_time_pass(app, settings, publisher, overview, monitor.store, windows)
        app.timer(RENEW_MS / 1000, name="wards")(wards.tick)


def topic_of(app: Any, settings: Settings, name: str) -> Any:
    """Return a topic that is read block by block."""
    return app.topic(settings.topic(name), schema=BlockSchema(), key_serializer="raw", value_serializer="raw")


def let_time_pass(
    app: Any,
    settings: Settings,
    publisher: Publisher,
    overview: Overview,
    store: ColumnStore,
    windows: LiveWindows,
) -> None:
    """Write into the readings that time passes and a canary, and from where they are judged a sign of life."""
    readings = settings.topic(READINGS)
    app.timer(TICK_S / TURNS, name="ticker")(Ticker(publisher, readings, overview.owned, time.time).tick)
    app.timer(TICK_S, name="canary")(Canary(publisher, readings, overview.owned, time.time).sing)
    heart = Heart(
        publisher, settings.topic(HEARTBEAT), store, overview.owned, overview.lag, lambda: windows.address
    )
    app.timer(BEAT_S, name="heart")(heart.beat)


def partial_of(actor: Monitor | Commands | Wards) -> Any:
    """Return the agent function: Faust wants a function with a name and a docstring, not a method."""

    async def watch(stream: Any) -> None:
        """Works off every block of the topic."""
        await actor.watch(stream)

    return watch


async def write_boards(boards: Boards, overview: Overview, store: ColumnStore) -> None:
    """Write for boards what has changed in the partitions of this worker; none while they change hands."""
    for partition in overview.owned():
        await boards.write_in_turn(partition, store.state(partition))


async def checkpoint_in_turns(
    app: Any, overview: Overview, checkpointer: Checkpointer, interval_s: float
) -> None:
    """Checkpoint one partition after the other, each once an interval, and commit what became durable."""
    while not app.should_stop:
        owned = sorted(overview.owned())
        for partition in owned:
            if app.should_stop:
                return  # what it hands over is another worker's then
            await checkpointer.checkpoint(partition)
            await app.consumer.commit()
            await asyncio.sleep(interval_s / len(owned))
        if not owned:
            await asyncio.sleep(interval_s / 4)
