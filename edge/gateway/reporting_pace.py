"""How often a client reports, where its messages do not say it: a field of the clients file."""

from typing import Annotated

from pydantic import Field

from streams.contracts.frame import INTERVAL_MS_MAX

IntervalS = Annotated[float, Field(ge=0.001, le=INTERVAL_MS_MAX / 1000)]
"""A millisecond at least: frames say it in whole ones, and none is no interval."""
