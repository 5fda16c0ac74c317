"""The rules of the bench: Vigil's default limits of the seven signals, the markers' rule, and NEWS2."""

from typing import Final

from bench.peers.spec import MARKER, MARKER_HR, SIGNALS, Limit, News2
from clinical.defaults import DEFAULT_RULES

LIMITS: Final = (
    *(
        Limit(
            id=rule.id,
            signal=rule.signal,
            low=rule.low,
            high=rule.high,
            delay_ms=round(rule.delay_s * 1000),
            clear_margin=rule.clear_margin,
            clear_delay_ms=round(rule.clear_delay_s * 1000),
        )
        for rule in DEFAULT_RULES.limits
        if rule.signal in SIGNALS
    ),
    Limit(MARKER, "hr", low=None, high=MARKER_HR, delay_ms=0, clear_margin=0.0, clear_delay_ms=0),
)

NEWS2: Final = News2("news2", inputs_min=4, delay_ms=10_000, every_ms=5_000)
"""Four inputs: the frames carry no temperature, oxygen supply or consciousness. Vigil is given the same."""
