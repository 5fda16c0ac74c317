"""The whole flow on one screen: topics to agent to table to topics, and what runs beside it; made bottom up."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from agents.board_writer import WRITE_S, Boards
from agents.command_forwarder import Commands
from agents.dead_letters import DeadLetters
from agents.health.canary import Canary
from agents.health.heartbeat import HEARTBEAT_S, Heartbeats
from agents.health.metrics import Metrics
from agents.health.ownership import Overview
from agents.health.watchdog import Watchdog
from agents.judge_kernels import judge_kernels
from agents.judging.judge import Judge
from agents.live_windows import LiveWindows
from agents.log_alarms import LOOK_S, LogAlarms
from agents.monitor import Monitor
from agents.rules_turn import RulesTurn
from agents.ticker import TURNS, Ticker
from agents.traces import UNTRACED, Traces
from agents.wards.agent import Wards
from agents.wards.counts import Reports
from clinical.clock import TimeRules
from clinical.rules import RuleSet
from clinical.wards import RENEW_MS
from streams.config.settings import Settings
from streams.contracts.topics import COMMANDS, HEARTBEAT, READINGS, WARDS
from streams.kafka.admin import changelog_topic
from streams.kafka.publisher import Publisher, fail_stop
from streams.kafka.security import seals_of
from streams.lane.protocol import Lane, Reader, is_settled
from tables.changelog.checkpoint import Checkpointer
from tables.changelog.column_store import ColumnStore
from tables.changelog.restore import Restorer
from tables.partition import Partition

TICK_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker keeps its promises by; the simulation wires a broken one in from here."""

    store: type[ColumnStore] = ColumnStore
    checkpointer: type[Checkpointer] = Checkpointer


@dataclass(frozen=True, slots=True)
class Timer:
    """What is called every so many seconds."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A worker's parts, wired; what runs by itself is `timers` and `tasks`."""

    lane: Lane
    metrics: Metrics
    watchdog: Watchdog
    store: ColumnStore
    checkpointer: Checkpointer
    monitor: Monitor
    timers: tuple[Timer, ...]
    tasks: tuple[Callable[[], Awaitable[None]], ...]

    def owned(self) -> frozenset[int]:
        """Return this worker's partitions at the moment."""
        return self.lane.owned() or frozenset()

    def owned_when_settled(self) -> frozenset[int]:
        """Return this worker's partitions once all of them are judged, and none before."""
        beside = map(self.monitor.settings.topic, (COMMANDS, WARDS))
        return self.owned() if is_settled(self.lane, beside) else frozenset()


def always(_: int) -> bool:
    """Let a tick be written into any partition at any time."""
    return True


def wire(
    settings: Settings,
    rules: RuleSet,
    lane: Lane,
    publisher: Publisher,
    wall_s: Callable[[], float] = time.time,
    *,
    metrics: Metrics | None = None,
    turn: RulesTurn | None = None,
    parts: Parts | None = None,
    traces: Traces = UNTRACED,
    may_tick: Callable[[int], bool] = always,
    on_failure: Callable[[str], None] = fail_stop,
) -> Flow:
    """Bind readings -> monitor -> partitions -> alerts; commands -> readings; counts -> wards -> answers.

    A shadow (`streams.kafka.shadows`) has the first of these alone. The worker's lane is over Faust
    (`agents.faust_worker`); the simulation and tests have one of their own, and clock and failures likewise.
    """
    metrics, parts, turn = metrics or Metrics(settings.partitions), parts or Parts(), turn or RulesTurn()
    readings, commands, wards = map(settings.topic, (READINGS, COMMANDS, WARDS))
    changelog, watchdog = changelog_topic(settings), Watchdog(settings.stall_s_max)
    seals, judge = seals_of(settings), judge_of(settings, rules)

    def owned(topic: str | None = None) -> frozenset[int]:
        return lane.owned(topic) or frozenset()

    store = parts.store(judge.new_table, watchdog.member, on_failure)
    letters = DeadLetters(settings, publisher, metrics)
    boards = Boards(settings, judge, publisher, store, on_failure)
    checkpointer = parts.checkpointer(
        *(store, publisher, changelog, lane, readings, boards.write, metrics.checkpoint.observe, on_failure)
    )
    restorer = Restorer(store, changelog, lambda partition: metrics.rebuilt.inc())
    log_alarms = LogAlarms(settings, seals, publisher, lane.faults, store, metrics, owned, wall_s)
    overview = Overview(lane, readings, (commands, wards), store, metrics, watchdog, publisher.waiting_s)
    monitor = Monitor(
        *(settings, judge, seals, turn, store, publisher, metrics, letters, boards),
        *(Reports(settings, publisher), log_alarms.end, wall_s),
    )
    reader = Reader(
        "monitor",
        traces.around(monitor.take),
        assign=store.assign,
        recovered=store.recovered,
        resume_at=restorer.resume_at,
        hand_over=checkpointer.hand_over,
        give_up=store.give_up,
        gone=log_alarms.note_gone,
    )
    lane.blocks(readings, reader)
    timers = (
        Timer("overview", TICK_S, overview.refresh),
        Timer("log-alarms", LOOK_S, log_alarms.look),
        Timer("boards", WRITE_S, lambda: boards.write_in_turns([store.partition(p) for p in owned()])),
    )
    tasks = (partial(checkpointer.in_turns, settings.checkpoint_interval_s),)
    flow = Flow(lane, metrics, watchdog, store, checkpointer, monitor, timers, tasks)
    return flow if settings.shadow else with_part_of_others(settings, flow, log_alarms, overview, may_tick)


def with_part_of_others(
    settings: Settings, flow: Flow, log_alarms: LogAlarms, overview: Overview, may_tick: Callable[[int], bool]
) -> Flow:
    """Return a flow that does what others wait for, too: forwards commands, judges wards, writes that time passes."""
    monitor, lane = flow.monitor, flow.lane
    commands = Commands(
        settings, monitor.seals, monitor.publisher, monitor.dead_letters, lane, log_alarms.end
    )
    lane.blocks(settings.topic(COMMANDS), Reader("commands", commands.forward, gone=log_alarms.note_gone))
    wards = Wards(
        *(settings, monitor.judge.alarms, monitor.seals, monitor.publisher, monitor.dead_letters),
        *(flow.metrics, lane, log_alarms.end, monitor.wall_s),
    )
    lane.blocks(
        settings.topic(WARDS),
        Reader("wards", wards.take, begin_anew=wards.begin_anew, gone=log_alarms.note_gone),
    )
    if settings.time_base != "live":
        return flow
    windows = LiveWindows(settings, monitor.seals, flow.store, flow.owned, monitor.wall_s)
    timers = (
        *passing_time(settings, flow, overview, windows, may_tick),
        Timer("wards", RENEW_MS / 1000, wards.tick),
    )
    return replace(flow, timers=(*flow.timers, *timers), tasks=(*flow.tasks, windows.serve))


def passing_time(
    settings: Settings, flow: Flow, overview: Overview, windows: LiveWindows, may_tick: Callable[[int], bool]
) -> tuple[Timer, ...]:
    """Write into the readings that time passes and a canary, and from where they are judged a sign of life."""
    publisher, wall_s, readings = flow.monitor.publisher, flow.monitor.wall_s, settings.topic(READINGS)

    def ticked() -> list[int]:
        return [number for number in flow.owned() if may_tick(number)]

    def held() -> list[Partition]:
        return [flow.store.partition(number) for number in sorted(flow.owned())]

    heartbeats = Heartbeats(
        *(publisher, settings.topic(HEARTBEAT), held, overview.lag, lambda: windows.address),
        *(settings.reading_partitions, wall_s),
    )
    return (
        Timer("ticker", TICK_S / TURNS, Ticker(publisher, readings, ticked, wall_s).tick),
        Timer("canary", TICK_S, Canary(publisher, readings, held, wall_s).probe),
        Timer("heartbeat", HEARTBEAT_S, heartbeats.send),
    )


def judge_of(settings: Settings, rules: RuleSet) -> Judge:
    """Return the judge of a worker with these settings."""
    time_rules = TimeRules(
        settings.time_base == "recorded", settings.clock_ahead_ms_max, settings.live_horizon_ms
    )
    ttl_ms, kernels = settings.patient_ttl_s * 1000, judge_kernels(settings.engine)
    return Judge(rules, time_rules, ttl_ms, settings.reading_partitions, settings.patients_max, kernels)
