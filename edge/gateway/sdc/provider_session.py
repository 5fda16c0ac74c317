"""One connection to one provider: the library's consumer with its copy of the device, until it is lost."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from edge.gateway.certificates import names_of
from edge.gateway.sdc.metric_frames import known_of
from edge.gateway.sdc.sdc_library import library
from edge.gateway.sdc.state_copies import StateReport, codes_of, metrics_of, patients_of

ANSWER_S_MAX: Final = 4
"""For a provider to answer a request, s: a paused one takes connections, but says nothing."""

INTERVAL_MS_USUAL: Final = 1_000
INTERVAL_MS_LONGEST: Final = 60_000

logger = logging.getLogger(__name__)


class NotConnected(Exception):
    """A provider did not answer, or is not the one that was looked for."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a provider is: its endpoint reference and what it answered to the search."""

    epr: str
    service: Any


class ProviderSession:
    """A consumer that is connected. All methods block; `heard_s` is when the last report came (monotonic)."""

    def __init__(self, at: Whereabouts, tls: Any, offer: Callable[[str, StateReport], None]) -> None:
        """Connect, read what the device is made of, and subscribe.

        Raises:
            NotConnected: it did not answer as it should.
        """
        self._epr, self._offer = at.epr, offer
        self._muted = False
        self._interval_ms = INTERVAL_MS_USUAL
        self._consumer: Any = None
        try:
            self._connect(at, tls)
        except Exception as error:  # of many kinds: the network's, XML's, the library's own
            self.close()
            raise NotConnected(type(error).__name__) from None
        self.heard_s = time.monotonic()

    def _connect(self, at: Whereabouts, tls: Any) -> None:
        definitions = library().definitions
        self._consumer = library().consumer(
            at.service.x_addrs[0],
            definitions,
            tls,
            socket_timeout=ANSWER_S_MAX,
            force_ssl_connect=tls is not None,
        )
        actions = definitions.Actions
        wanted = {
            actions.EpisodicMetricReport,
            actions.EpisodicContextReport,
            actions.DescriptionModificationReport,
        }
        self._consumer.start_all(not_subscribed_actions=[one for one in actions if one not in wanted])
        if self._consumer.host_description.relationship.Host.EndpointReference.Address != self._epr:
            raise NotConnected("another provider is there")
        self._mdib = library().mdib(self._consumer)
        self._mdib.init_mdib()
        self._interval_ms = self._shortest_ms()
        # `bind` would keep a weak reference, and nobody would be called.
        library().strongbind(self._mdib, metrics_by_handle=self._heard)

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """The names of the provider's certificate."""
        return names_of(self._consumer.peer_certificate)

    def is_lost(self, silence_s_max: float) -> bool:
        """Tell whether it must be built anew: once a subscription is lost the library never comes back by itself."""
        silent = time.monotonic() - self.heard_s > silence_s_max
        return silent or not self._consumer.is_connected or not self._mdib.is_initialized

    def mute(self) -> None:
        """Hand nothing over any more."""
        self._muted = True

    def close(self) -> None:
        """End it; the provider is not told, for it may not answer."""
        self.mute()
        if self._consumer is not None:
            try:
                self._consumer.stop_all(unsubscribe=False)
            except Exception:  # it is given up anyway
                return

    def _heard(self, states: dict[str, Any] | None) -> None:
        """Copy a report in the library's thread, and return: whatever follows waits for this."""
        if self._muted or not states:
            return
        self.heard_s = time.monotonic()
        try:
            report = self._copied(states)
        except Exception as error:  # or the provider is told of our fault, by a library whose log is off
            logger.error("SDC: a report could not be copied: %s", type(error).__name__)
            return
        self._offer(self._epr, report)

    def _copied(self, states: dict[str, Any]) -> StateReport:
        mdib = self._mdib
        return StateReport(
            f"{mdib.sequence_id} {mdib.instance_id}",
            int(mdib.mdib_version or 0),
            metrics_of(states.values()),
            patients_of(mdib.context_states.NODETYPE.get(library().patient_context, ())),
            self._interval_ms,
            time.time(),
        )

    def _shortest_ms(self) -> int:
        """Return how often the device measures: the shortest period of a metric that Vigil knows, ms."""
        periods = [
            one.DeterminationPeriod
            for one in self._mdib.descriptions.objects
            if getattr(one, "DeterminationPeriod", None)
            and getattr(one, "Unit", None) is not None
            and known_of(codes_of(one.Type), str(one.Unit.Code))
        ]
        return int(min(max(INTERVAL_MS_USUAL, min(periods, default=1.0) * 1_000), INTERVAL_MS_LONGEST))
