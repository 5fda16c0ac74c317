"""Finds providers by WS-Discovery on one interface: those that are wanted, or all that answer, within a bound."""

import logging
import threading
from collections.abc import Callable, Collection
from typing import Any, Final

from edge.gateway.sdc.provider_session import Whereabouts
from edge.gateway.sdc.sdc_library import library
from streams.errors import UsageError

ALL: Final = "*"
SEARCH_S: Final = 1.0
"""A search lasts so long: providers answer a probe within half a second (WS-Discovery, APP_MAX_DELAY)."""

LOOK_S: Final = 0.5
SEARCH_ALL_EVERY_S: Final = 15.0
"""Between two searches where nobody is missed but everybody is wanted."""

STOP_S_MAX: Final = 3.0

logger = logging.getLogger(__name__)


class ProviderFinding:
    """Searches in a thread of its own.

    Args:
        interface: the address of the network interface.
        missing: returns who is looked for.
        everybody: also search where nobody is missed.
        found: called in that thread with each provider that answered.
    """

    def __init__(
        self,
        interface: str,
        missing: Callable[[], Collection[str]],
        everybody: bool,
        found: Callable[[Whereabouts], None],
    ) -> None:
        self._missing, self._everybody, self._found = missing, everybody, found
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sdc-finding", daemon=True)
        self._discovery: Any = library().discovery(interface)

    def start(self) -> None:
        """Begin to search.

        Raises:
            UsageError: there is no such interface.
        """
        try:
            self._discovery.start()
        except OSError as error:
            raise UsageError(
                f"gateway_sdc_interface: cannot be searched on: {error.strerror or error}"
            ) from None
        self._thread.start()

    def stop(self) -> None:
        """Search no more. Blocks for at most `STOP_S_MAX` and what the library takes."""
        self._stop.set()
        self._thread.join(STOP_S_MAX)
        self._discovery.stop()

    def _run(self) -> None:
        idle_s = SEARCH_ALL_EVERY_S
        while not self._stop.wait(LOOK_S):
            idle_s += LOOK_S
            if self._missing() or (self._everybody and idle_s >= SEARCH_ALL_EVERY_S):
                idle_s = 0.0
                self._search()

    def _search(self) -> None:
        try:
            # A provider that came back answers with the version that it had: its former address would be kept.
            self._discovery.clear_remote_services()
            services = self._discovery.search_sdc_services(timeout=SEARCH_S, repeat_probe_interval=1)
        except Exception as error:  # the network's, the library's own: the next search may do
            logger.warning("SDC: a search failed: %s", type(error).__name__)
            return
        for service in services:
            if service.x_addrs:
                self._found(Whereabouts(service.epr, service))
