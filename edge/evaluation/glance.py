"""What a dataset shows at a glance: load, what became of the first set's high alarms, and what delays lose. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge.evaluation.recorded_episodes import Episode

HIGH = "high"


@dataclass(frozen=True, slots=True)
class HighAlarms:
    """High alarms of the first set, and how many of them the second tells otherwise or not at all.

    A counterpart is an alarm of the second set, of that patient and time, that is of high priority or on the same
    signal. `late`: it started more than its delay and one reading after the onset. `brief`: there is none, and the
    alarm's last reading outside its limit came before its delay in the second set had passed, so that there was nothing
    to tell, or the recording ended. `missing`: there is none, though it lasted.
    """

    alarms: int
    late: int
    brief: int
    missing: int
    first_missing: Sequence[str]
    """The first of them: patient, rule and onset."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One dataset; None where there are no labels, or no score to check. `load_reduction` is a share of the alarms."""

    load_reduction: float | None
    high_alarms: int
    high_missing: int
    high_late: int
    high_brief: int
    true_alarms: int | None
    true_alarms_lost: int | None
    """True alarms at which the first set has an alarm and the second has none."""
    collapses: int | None
    collapses_unreported: int | None
    news2_hours: int | None
    news2_hours_wrong: int | None


def high_alarms(
    first: Sequence[Episode],
    second: Sequence[Episode],
    delay_s: Mapping[str, float],
    interval_ms: Mapping[str, int],
    outside_s: Callable[[Episode], float],
    shown: int = 5,
) -> HighAlarms:
    """Compare the first set's high alarms with the second set.

    Args:
        first: alarms of the first set.
        second: alarms of the second.
        delay_s: the second set's delays by rule.
        interval_ms: time between two readings of each patient.
        outside_s: returns how long after an alarm's onset its last reading outside came.
        shown: how many of the missing are named.
    """
    others: dict[str, list[Episode]] = {}
    for one in second:
        others.setdefault(one.patient, []).append(one)
    late = brief = 0
    missing: list[str] = []
    high = [one for one in first if one.priority == HIGH]
    for one in high:
        there = [other for other in others.get(one.patient, ()) if _tells(one, other)]
        if not there:
            if outside_s(one) < delay_s.get(one.rule, 0.0):
                brief += 1
            else:
                missing.append(f"{one.patient} {one.rule} at {one.onset_ms / 1000:g} s")
            continue
        patience_ms = interval_ms[one.patient]
        late += all(
            other.start_ms > one.onset_ms + delay_s.get(other.rule, 0.0) * 1000 + patience_ms
            for other in there
        )
    return HighAlarms(len(high), late, brief, len(missing), missing[:shown])


def _tells(one: Episode, other: Episode) -> bool:
    same = other.rule == one.rule or (one.signal is not None and other.signal == one.signal)
    return (other.priority == HIGH or same) and one.overlaps(other)
