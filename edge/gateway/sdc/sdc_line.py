"""The SDC door: finds providers, keeps each connected, and brings what they report to Kafka as frames."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from edge.gateway.accept import Refusal, Sender
from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.pseudonym import Pseudonyms
from edge.gateway.sdc.handover import Handover
from edge.gateway.sdc.metric_frames import framed
from edge.gateway.sdc.provider_finding import ALL, ProviderFinding
from edge.gateway.sdc.provider_keeper import ProviderKeeper, Session
from edge.gateway.sdc.provider_session import ProviderSession, Whereabouts
from edge.gateway.sdc.state_copies import StateReport
from edge.gateway.sdc.state_gaps import StateGaps
from edge.gateway.spooled import SpooledDoor

THREADS_MAX: Final = 32
"""Connections that are being built or ended at a time."""

GONE_S_MIN: Final = 60.0
"""A provider that is gone for longer makes room for another where the bound is reached. [M]"""

STOP_S_MAX: Final = 5.0
"""At the end, for the search and the connections."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SdcAccess:
    """Which providers, and how: the interface's address, endpoint references (or `*`), bounds, certificates."""

    interface: str
    providers: tuple[str, ...]
    providers_max: int
    silence_s_max: float
    age_s_max: float
    tls: Any = None


IdentifyProvider = Callable[[str, tuple[str, ...] | None], tuple[Sender, str] | Refusal]
"""Says which sender and device a provider is, by its endpoint reference and the names of its certificate (None = it
is not connected yet)."""


class SdcLine:
    """All providers.

    Args:
        access: which, and how.
        identify: says who each is.
        pseudonyms: make the ids of patients.
        spooled: keeps frames on disk until Kafka has them.
        counted: counts.
    """

    def __init__(
        self,
        access: SdcAccess,
        identify: IdentifyProvider,
        pseudonyms: Pseudonyms,
        spooled: SpooledDoor,
        counted: ProtocolMetrics,
    ) -> None:
        self._access, self._identify, self._pseudonyms = access, identify, pseudonyms
        self._spooled, self._counted = spooled, counted
        self._keepers: dict[str, ProviderKeeper] = {}
        self._gaps: dict[str, StateGaps] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._executor = ThreadPoolExecutor(THREADS_MAX, "sdc")
        counted.watch(lambda: self.connected)

    @property
    def where(self) -> str:
        """Where it searches."""
        return self._access.interface

    @property
    def connected(self) -> int:
        """Providers that are connected."""
        return sum(keeper.connected for keeper in tuple(self._keepers.values()))

    async def start(self) -> None:
        """Begin to search; no provider need be there.

        Raises:
            UsageError: there is no such interface.
        """
        self._loop = asyncio.get_running_loop()
        self._handover = Handover(self._loop, self._take, self._tell_held_up)
        self._finding = ProviderFinding(
            self._access.interface, self._missing, ALL in self._access.providers, self._found
        )
        await asyncio.to_thread(self._finding.start)
        self._spooled.start()
        for epr in self._access.providers:
            if epr != ALL:
                self._keep(epr)

    async def stop(self) -> None:
        """End the connections, within `STOP_S_MAX`; what Kafka has not taken by then stays on disk."""
        for task in self._tasks.values():
            task.cancel()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await asyncio.gather(*self._tasks.values(), return_exceptions=True)
                await asyncio.to_thread(self._finding.stop)
        except TimeoutError:
            logger.warning("SDC: the search did not end in time")
        await self._spooled.stop()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _missing(self) -> list[str]:
        """Return who is looked for; called in the searching thread."""
        return [epr for epr, keeper in tuple(self._keepers.items()) if keeper.at is None]

    def _found(self, at: Whereabouts) -> None:
        self._loop.call_soon_threadsafe(self._place, at)

    def _place(self, at: Whereabouts) -> None:
        if at.epr not in self._keepers:
            if ALL not in self._access.providers or isinstance(self._identify(at.epr, None), Refusal):
                return
            if len(self._keepers) >= self._access.providers_max and not self._let_go():
                self._counted.refused("too-many-providers")
                return
            self._keep(at.epr)
        self._keepers[at.epr].found(at)

    def _keep(self, epr: str) -> None:
        keeper = ProviderKeeper(
            self._open, lambda names: self._admits(epr, names), self._access.silence_s_max, self._executor
        )
        self._keepers[epr], self._gaps[epr] = keeper, StateGaps()
        self._tasks[epr] = asyncio.create_task(keeper.run())

    def _let_go(self) -> bool:
        """Make room by the provider that is gone for longest, or some that never come again fill the bound."""
        gone_since_s = {
            epr: keeper.connected_s
            for epr, keeper in self._keepers.items()
            if keeper.at is None and epr not in self._access.providers
        }
        epr = min(gone_since_s, key=gone_since_s.__getitem__, default="")
        if not epr or self._loop.time() - gone_since_s[epr] < GONE_S_MIN:
            return False
        self._tasks.pop(epr).cancel()
        del self._keepers[epr], self._gaps[epr]
        return True

    def _open(self, at: Whereabouts) -> Session:
        return ProviderSession(at, self._access.tls, self._handover.offer)

    def _admits(self, epr: str, names: tuple[str, ...]) -> bool:
        who = self._identify(epr, names)
        if isinstance(who, Refusal):
            self._counted.refused(who.reason)
            return False
        return True

    def _take(self, epr: str, report: StateReport) -> None:
        """Make frames of a report, in the loop."""
        try:
            self._keep_frames(epr, report)
        except Exception as error:  # a fault of ours in one report must not lose all that wait behind it
            logger.error("SDC: a report could not be handled: %s", type(error).__name__)
            self._counted.refused("internal")

    def _keep_frames(self, epr: str, report: StateReport) -> None:
        who = self._identify(epr, None)
        if isinstance(who, Refusal):  # the clients file has changed meanwhile
            self._counted.refused(who.reason)
            return
        sender, device = who
        if epr in self._gaps:  # it may have been let go of meanwhile
            self._count_gap(self._gaps[epr].of(report))
        found = framed(report, device, self._patient(report), self._access.age_s_max)
        for fault in found.faults:
            self._counted.refused(fault)
        if found.frames and (refusal := self._spooled.put(sender, found.frames)) is not None:
            self._counted.refused(refusal.reason, len(found.frames))

    def _patient(self, report: StateReport) -> str:
        """Return the patient that the provider names, empty where it names none or several."""
        if len(report.patients) != 1:
            if report.patients:
                self._counted.refused("several-patients")
            return ""
        ((root, extension),) = report.patients
        return self._pseudonyms.of(root, extension) if extension else ""

    def _tell_held_up(self, lost: int) -> None:
        # Not counted here: the provider's next report tells them by its numbers, as any other gap.
        logger.error("SDC: the gateway was held up, and %d reports made room for later ones", lost)

    def _count_gap(self, missing: int) -> None:
        if missing:
            self._counted.gaps("sequence", missing)
