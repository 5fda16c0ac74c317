"""The alarm system's delay of every built-in alarm, as a table for docs/alarms.md: `python -m agents.delay_table`.

An alarm is told when its condition has lasted for its delay and somebody looks. How often is looked, by design, is what
the system adds; delivery comes on top (docs/performance.md). IEC 60601-1-8 asks for both to be disclosed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agents.judging.alarms import (
    AGE_UNKNOWN,
    ALARMS_PAUSED,
    BABBLING,
    BACKLOG,
    BREAK_GLASS,
    CHECK_SENSOR,
    CLOCK_SUSPECT,
    IDENTITY_CONFLICT,
    LIMITS_WIDENED,
    MISPLACED,
    READINGS_WITHDRAWN,
    SIGNAL_LOSS,
    SILENT_DEVICE,
    TOO_MANY,
    TOO_MANY_DEVICES,
    UNASSOCIATED,
    UNPROVEN,
    UNRELIABLE,
    VITAL_LOSS,
    WARD_SILENT,
    Alarm,
)
from agents.judging.catalogue import alarms_of
from agents.judging.tick_alarms import SLOW_MS
from agents.wiring import TICK_S
from clinical.rules import LimitRule, RuleSet
from clinical.ticking import ADVICE_TURNS
from tables.windows import BUCKET_MS

SAMPLE_S: Final = 1.0
"""Between two samples of a device that sends once a second; another one adds its own interval."""

SLOW_S: Final = SLOW_MS / 1000
BUCKET_S: Final = BUCKET_MS / 1000


@dataclass(frozen=True, slots=True)
class Look:
    """What an alarm waits for besides its delay: at most `adds_s`, s, because of `why`."""

    adds_s: float
    why: str


AT_ONCE: Final = Look(0.0, "nothing, judged with the frame or command")
NEXT_SAMPLE: Final = Look(SAMPLE_S, "up to the next sample, one a second here")
TICK: Final = Look(TICK_S, "a tick")
FROM_TICK: Final = Look(2 * TICK_S, "a tick to see it, a tick to tell it")
SLOW: Final = Look(SLOW_S + TICK_S, f"a look every {SLOW_S:g} s, a tick")
FROM_SLOW: Final = Look(
    2 * (SLOW_S + TICK_S), f"a look every {SLOW_S:g} s to see it and one to tell it, a tick each"
)
FROM_TURN: Final = Look(
    ADVICE_TURNS * SLOW_S + SLOW_S + 2 * TICK_S,
    f"the patient's turn among {ADVICE_TURNS} looks, one every {SLOW_S:g} s, a look to tell it, a tick each",
)
BUCKET: Final = Look(
    2 * BUCKET_S + TICK_S, "a whole half-minute of readings, looked at when it is over, a tick"
)

_LOOKS: Final[dict[str, tuple[str, Look]]] = {
    SILENT_DEVICE: ("low, then medium", TICK),
    WARD_SILENT: ("medium", TICK),
    ALARMS_PAUSED: ("low", AT_ONCE),
    CHECK_SENSOR: ("medium", FROM_TICK),
    BABBLING: ("low", BUCKET),
    CLOCK_SUSPECT: ("low", FROM_SLOW),
    BACKLOG: ("medium", FROM_SLOW),
    VITAL_LOSS: ("high", SLOW),
    AGE_UNKNOWN: ("low", FROM_TURN),
    LIMITS_WIDENED: ("low", SLOW),
    BREAK_GLASS: ("low", AT_ONCE),
    IDENTITY_CONFLICT: ("low", SLOW),
    TOO_MANY_DEVICES: ("low", SLOW),
    MISPLACED: ("medium", SLOW),
    TOO_MANY: ("medium", TICK),
    UNPROVEN: ("medium", TICK),
    UNASSOCIATED: ("medium", FROM_TICK),
    READINGS_WITHDRAWN: ("medium", TICK),
}
"""Priority of the alarms that are no limits, losses or scores, and what they wait for."""


def table(rules: RuleSet) -> str:
    """Return the table: a row for alarms that are alike, the quickest of the most urgent first.

    Raises:
        KeyError: an alarm of which nothing is known here.
    """
    limits = {rule.id: rule for rule in rules.limits}
    rows: dict[tuple[str, float, Look], list[str]] = {}
    for alarm in alarms_of(rules):
        priority, look = _of_limit(limits[alarm.id]) if alarm.id in limits else _of_other(alarm)
        rows.setdefault((priority, alarm.delay_s or 0.0, look), []).append(f"`{alarm.id}`")
    lines = [
        "| alarms | priority | condition lasts | the system adds at most | told after at most |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *_lines(rows)])


def _lines(rows: dict[tuple[str, float, Look], list[str]]) -> Iterator[str]:
    urgent = {"high": 0, "by level": 1, "medium": 2, "low, then medium": 3, "low": 4}
    for (priority, delay_s, look), names in sorted(
        rows.items(), key=lambda row: (urgent[row[0][0]], row[0][1] + row[0][2].adds_s, row[1])
    ):
        adds = f"{look.adds_s:g} s: {look.why}" if look.adds_s else look.why
        yield f"| {', '.join(names)} | {priority} | {delay_s:g} s | {adds} | {delay_s + look.adds_s:g} s |"


def _of_limit(rule: LimitRule) -> tuple[str, Look]:
    return rule.priority, NEXT_SAMPLE if rule.delay_s else AT_ONCE


def _of_other(alarm: Alarm) -> tuple[str, Look]:
    if alarm.sheet is not None:
        return "by level", FROM_SLOW
    if alarm.id.startswith((SIGNAL_LOSS, UNRELIABLE)):
        return "low, then medium", SLOW
    return _LOOKS[alarm.id]


if __name__ == "__main__":
    from clinical.defaults import DEFAULT_RULES

    print(table(DEFAULT_RULES))
