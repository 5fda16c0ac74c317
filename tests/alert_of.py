"""An alert for tests that need some alert, not this one."""

from streams.contracts.alert import Alert, Evidence, Source


def alert_of(**said):
    """Return a low saturation's start, but for what is said."""
    usual = {
        "id": "e1-0",
        "episode": "e1",
        "patient": "bed-1",
        "rule": "spo2-low",
        "event": "MDC_EVT_LO",
        "source": Source(kind="signal", name="spo2"),
        "phase": "start",
        "state": "active",
        "priority": "medium",
        "type": "physiological",
        "onset_ts_ms": 0,
        "event_ts_ms": 15_000,
        "append_ts_ms": 15_000,
        "evidence": Evidence(value=84.0),
        "reason": "oxygen saturation 84 %, below 90 for 15 s",
    }
    return Alert(**usual | said)
