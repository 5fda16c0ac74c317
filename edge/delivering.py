"""The two processes of delivery under one supervisor: who decides, and, where channels send, who sends."""

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from edge.brokers.embedded import free_port
from edge.departures import Departures
from edge.supervisor import DRAIN_WAIT_S
from edge.workers import WorkerPool
from streams.config.routing import Routing
from streams.config.settings import Settings
from streams.errors import VigilError
from streams.kafka.admin import delivery_settings

DECIDER: Final = "decider"
"""The one of them that is a member of a group by its client id."""

_POLL_S: Final = 0.1


def decider_command() -> list[str]:
    """Return program and arguments of the process that decides."""
    return [sys.executable, "-P", "-m", "agents.delivery"]


def sender_command() -> list[str]:
    """Return program and arguments of the process that sends."""
    return [sys.executable, "-P", "-m", "edge.channels"]


def deliver_until(
    settings: Settings, routing: Routing, stop: threading.Event, say: Callable[[str], None]
) -> None:
    """Run both until `stop` is set, then end them in order: what was decided last is still sent.

    Args:
        settings: of both.
        routing: as read from the settings' file; without a channel that sends there is nothing to send.
        stop: set when they are to end.
        say: told in one line where the metrics are and what becomes of the processes.

    Raises:
        UsageError: one refuses its settings.
        BrokerUnreachable: one that started for the first time found no broker.
        VigilError: one kept dying, or did not end in time.
    """
    commands = {DECIDER: decider_command()}
    if any(channel.kind != "board" for channel in routing.channels.values()):
        commands = {"sender": sender_command()} | commands
    with ExitStack() as stack:
        pools = [
            stack.enter_context(_pool(settings, name, command, say)) for name, command in commands.items()
        ]
        say(f"deciding who is told: {pools[-1].workers[0].metrics_url}")
        while not stop.wait(_POLL_S) and not any(pool.failure for pool in pools):
            pass
        say("ending")
    if failure := next((pool.failure for pool in pools if pool.failure), None):
        raise failure
    if late := [code for pool in pools for code in pool.not_drained]:
        raise VigilError(
            f"{len(late)} processes did not end in order, exit codes: {', '.join(map(str, late))}"
        )


def _pool(settings: Settings, name: str, command: list[str], say: Callable[[str], None]) -> WorkerPool:
    port = settings.delivery_metrics_port or free_port()
    return WorkerPool(
        settings,
        1,
        verbose=True,
        command=command,
        ports=[port],
        term_wait_s=DRAIN_WAIT_S,
        say=say,
        name=name,
        departures=Departures(delivery_settings(settings), say) if name == DECIDER else None,
    )
