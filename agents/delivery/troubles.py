"""Technical alerts of delivery itself: nobody was reached, nobody is assigned. Each ends by itself."""

from collections.abc import Collection

from agents.delivery.episode import Episode
from streams.config.routing import FAILED_S
from streams.contracts.alert import OF_DELIVERY, Alert, system_alert

DELIVERY_FAILED, NOBODY_ASSIGNED = OF_DELIVERY


def is_own(rule: str) -> bool:
    """Tell whether an alarm is one of delivery itself: it is routed as any other, and leads to no further one."""
    return rule in OF_DELIVERY


def failed(episode: Episode, channels: Collection[str], now_ms: int, over: str = "") -> Alert:
    """Return the alert that nobody was reached of an alarm, as urgent as the alarm; with `over` that this has ended."""
    tried = ", ".join(sorted(channels))
    return system_alert(
        episode.patient,
        DELIVERY_FAILED,
        source="delivery",
        priority=episode.priority,
        onset_ms=episode.failed_ms,
        now_ms=now_ms,
        append_ms=now_ms,
        is_over=bool(over),
        reason=f"{episode.rule}: {over}" if over else _not_reached(episode, tried),
        named=f"{DELIVERY_FAILED} {episode.episode}",
    )


def _not_reached(episode: Episode, tried: str) -> str:
    within = f"within {FAILED_S:g} s over {tried}"
    return f"nobody was reached of {episode.rule} {within}: go to the bed, and look at the channels"


def unassigned(episode: Episode, role: str, now_ms: int, over: str = "") -> Alert:
    """Return the alert that nobody is assigned in a role; with `over` that this has ended."""
    return system_alert(
        episode.patient,
        NOBODY_ASSIGNED,
        source="delivery",
        priority="medium",
        onset_ms=episode.unassigned_ms,
        now_ms=now_ms,
        append_ms=now_ms,
        is_over=bool(over),
        reason=f"{episode.rule}: {over}"
        if over
        else f"nobody is assigned as {role}: {episode.rule} goes to the fallback",
        named=f"{NOBODY_ASSIGNED} {episode.episode}",
    )
