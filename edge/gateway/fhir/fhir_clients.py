"""What the clients file says of a client that sends FHIR."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from edge.gateway.reporting_pace import IntervalS

USUAL_INTERVAL_MS: Final = 1_000
"""As of a frame that does not say it."""


class FhirEntry(BaseModel):
    """`interval_s` is how often the client reports, which an Observation does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interval_s: IntervalS = USUAL_INTERVAL_MS / 1000

    @property
    def interval_ms(self) -> int:
        """How often it reports, ms."""
        return round(self.interval_s * 1000)
