"""Processes of a group that died: the group drops each at once, so that its patients go to others."""

import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, UsageError, VigilError
from streams.kafka.membership import drop_dead

NEVER_JOINED: Final = frozenset({UsageError.exit_code, BrokerUnreachable.exit_code})
"""A process that ends with these has not come to join its group."""


def new_client_id(name: str = "worker") -> str:
    """Return a client id for a process that is about to start: no other one has it, nor the one in its place later."""
    return f"vigil-{name}-{uuid.uuid4().hex}"


def _as_given(settings: Settings) -> Settings:
    return settings


class Departures:
    """Has a group drop members whose process died.

    Each takes a thread of its own: a coordinator may not answer for a while, other processes may die meanwhile, and
    those that live are looked after.

    Args:
        settings: of the processes.
        say: told in one line what became of each.
        as_now: given the settings, returns those whose group the processes are in now.
    """

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None],
        as_now: Callable[[Settings], Settings] = _as_given,
    ) -> None:
        self._settings = settings
        self._say = say
        self._as_now = as_now
        self._threads: list[threading.Thread] = []

    def ended(self, which: str, client_id: str, exit_code: int) -> None:
        """Have a process dropped that has ended, unless it left by itself or never joined.

        Args:
            which: what it is called in what is said.
            client_id: that it had been given.
            exit_code: its own; negative = killed by a signal.
        """
        if exit_code == 0 or exit_code in NEVER_JOINED:
            return
        thread = threading.Thread(
            target=self._drop, args=(which, client_id, time.monotonic()), name=f"drop {which}", daemon=True
        )
        self._threads = [one for one in self._threads if one.is_alive()] + [thread]
        thread.start()

    def wait(self) -> None:
        """Wait until all that ended are dropped, for a session timeout at most: then the broker does it by itself."""
        deadline_s = time.monotonic() + self._settings.session_timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - time.monotonic()))

    def _drop(self, which: str, client_id: str, ended_s: float) -> None:
        timeout_s = self._settings.session_timeout_s
        try:
            if drop_dead(self._as_now(self._settings), client_id, timeout_s):
                took_s = time.monotonic() - ended_s
                self._say(f"{which} was dropped from the group within {took_s:.1f} s")
        except VigilError as error:
            self._say(
                f"{which} may be in the group until its session ends, {timeout_s:g} s after its death: {error}"
            )
