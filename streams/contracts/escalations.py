"""Records of `vitals.escalations`, the one log that delivery decides by: alerts with their ward, milestones, ticks.

Alerts and milestones come from topics of their own; put behind one another here, a restart or a replay meets them and
the time between them in the same order, and decides the same. Milestones are copies of their record (`Delivery`).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.contracts.alert import Alert


class Told(BaseModel):
    """An alert, at its place in the order by which delivery decides."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["told"] = "told"
    ward: str = Field(
        description="of the patient, as limits in force said when it was put here; empty = none"
    )
    told_ts_ms: int = Field(description="when the broker took the alert's own record, ms")
    alert: Alert
