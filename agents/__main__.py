"""Entry of a worker process: `python -m agents`. Settings come from the environment (`VIGIL_...`)."""

import logging
import os
import sys
import time
from typing import Final, NoReturn

from agents.draining import DrainingWorker, begin, run, say
from agents.faust_worker import build
from agents.forwarded import Forwarded
from agents.health import preflight
from agents.health.canary import with_canary
from agents.health.metrics import OURS, SHADOWS, Metrics
from agents.layout_follower import LOOK_S as LAYOUT_LOOK_S
from agents.layout_follower import LayoutFollower, await_turn
from agents.rules_choice import choose, own_rules
from agents.rules_follower import LOOK_S, RulesFollower
from agents.rules_turn import RulesTurn
from agents.stragglers import Stragglers
from agents.traces import traces_of
from streams.config.settings import load_settings
from streams.engine import prepare
from streams.errors import UsageError, VigilError
from streams.metrics_server import serve_metrics

SHADOW_NICE: Final = 10
"""A shadow yields the processor to whoever alarms."""


def main() -> int:
    """Run one worker until it is told to stop; return its exit code."""
    begin()
    try:
        settings = load_settings()
        if not settings.bootstrap:
            raise UsageError("brokers: a worker needs VIGIL_BROKERS=host:port")
        own = own_rules(settings)
        metrics = Metrics(settings.partitions, SHADOWS if settings.shadow else OURS)
        preflight.check_data_dir(settings)
        prepare(settings.engine, settings.data_dir)  # nothing is compiled once the group has given partitions
        serve_metrics(metrics.registry, settings.metrics_host, settings.metrics_port, "metrics_port")
        preflight.await_broker(settings, say)
        settings, layout = await_turn(settings, say)
        metrics.partitions_of_all.set(settings.reading_partitions)
        preflight.check_topics(settings)
        preflight.check_group(settings)
        read_ms = int(time.time() * 1000)
        choice = choose(settings, own)
        turn = RulesTurn(settings.group, choice.number, read_ms)
        traces = traces_of(settings, metrics.spans)
        stragglers, forwarded = Stragglers(settings, layout), Forwarded(settings, layout)
        app, flow = build(settings, with_canary(choice.rules), metrics, turn, traces, forwarded.allows)
        worker = DrainingWorker(app, flow.watchdog)

        def end_forwarding() -> None:
            stragglers.end()
            forwarded.end()

        follower = RulesFollower(
            *(settings, flow.monitor.seals, choice, own, turn, metrics),
            *(flow.owned_when_settled, flow.monitor.dismiss, worker.end_of_itself),
        )
        layouts = LayoutFollower(settings, layout, worker.end_of_itself, end_forwarding)
    except VigilError as error:
        say(str(error))
        return error.exit_code
    if settings.shadow:
        os.nice(SHADOW_NICE)
    else:
        app.timer(LOOK_S, name="rules")(follower.look)
        follower.start()
        stragglers.start()
        forwarded.start()
    app.timer(LAYOUT_LOOK_S, name="layout")(layouts.look)
    layouts.start()
    exit_code = run(worker, flow.watchdog)
    traces.close()
    stragglers.stop()
    if (follower.is_due or layouts.is_due) and exit_code == 0 and not worker.is_told_to_end:
        begin_again()
    return exit_code


def begin_again() -> NoReturn:
    """Become a worker that has just started, in this process: whoever watches over it notices nothing."""
    logging.shutdown()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
