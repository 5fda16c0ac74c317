"""Spans of blocks and alerts: what makes them, if the settings say so, and what stands there if they do not.

Without `otlp_endpoint` both functions come back as they were given, and nothing of OpenTelemetry is imported.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from prometheus_client import Counter

from streams.config.settings import Settings
from streams.errors import UsageError
from streams.kafka.publisher import Sender
from streams.lane.work_off import Admitted

Take = Callable[[Admitted], Awaitable[None]]


class Traces(Protocol):
    """What a worker knows of spans."""

    def around(self, take: Take) -> Take:
        """Return what works off blocks with a span of each."""

    def sending(self, send: Sender) -> Sender:
        """Return what sends records with a span of each alert, until the broker has it."""

    def close(self) -> None:
        """Send what is left, for as long as that is bounded."""


class Untraced:
    """No spans, and no cost."""

    def around(self, take: Take) -> Take:
        """Return what was given."""
        return take

    def sending(self, send: Sender) -> Sender:
        """Return what was given."""
        return send

    def close(self) -> None:
        """Do nothing."""


UNTRACED: Final = Untraced()


def traces_of(settings: Settings, spans: Counter) -> Traces:
    """Return what makes spans as the settings say.

    Args:
        settings: name the collector and the share of blocks.
        spans: counts spans by what became of them.

    Raises:
        UsageError: the extra is not installed.
    """
    if not settings.otlp_endpoint:
        return UNTRACED
    try:
        from agents.open_telemetry import OpenTelemetry
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise UsageError("otlp_endpoint: spans need the extra otel (pip install 'vigil[otel]')") from None
    return OpenTelemetry(settings, spans)
