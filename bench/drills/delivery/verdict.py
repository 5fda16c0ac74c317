"""The verdict on a delivery drill, from the topics and what the receivers got. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from bench.drills.delivery.plan import BACKUP, RULE, TAKEN_S, WAIT_S, WORKING
from bench.drills.delivery.receiver import Got
from streams.contracts.alert import Alert
from streams.contracts.deliveries import FINAL, Delivery

FINAL_S_MAX: Final = 120.0
FIRST_S_MAX: Final = 1.0
ESCALATION_S: Final = 1.0
SETTLE_MS: Final = 2_000
"""For who comes next to work off what has waited."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a process was not there: from its end until the next had read the log, ms."""

    from_ms: int
    to_ms: int


@dataclass(slots=True)
class Evidence:
    """All that the drill saw. Times in ms: `told` is the broker's time of each alert's record, by its id."""

    told: dict[str, int]
    milestones: list[Delivery]
    got: Sequence[Got]
    technical: list[Alert]
    away: list[Window] = field(default_factory=list)
    undecided: list[Window] = field(default_factory=list)
    kills: int = 0


def judge(seen: Evidence) -> tuple[list[str], dict[str, Any]]:
    """Return the promises that broke, in sentences, and the figures."""
    broken: list[str] = []
    by_id: dict[str, list[Delivery]] = defaultdict(list)
    for one in seen.milestones:
        if one.rule.startswith(RULE):
            by_id[one.id].append(one)
    broken += _unheard(seen, by_id)
    finals, without = _finals(by_id, seen.technical)
    if without:
        broken.append(
            f"{without} deliveries had neither a final state nor a technical alert in {FINAL_S_MAX:g} s"
        )
    first_s = _first_s(seen, by_id)
    decided_s = [
        (many[0].at_ts_ms - seen.told[many[0].alert]) / 1000
        for many in by_id.values()
        if many[0].step == 1 and many[0].alert in seen.told
    ]
    p99_s = float(np.percentile(first_s, 99, method="higher")) if first_s else 0.0
    if not first_s or p99_s > FIRST_S_MAX:
        broken.append(f"first send p99 {p99_s:.2f} s, more than {FIRST_S_MAX:g} s")
    off = _escalations_off(by_id, seen.undecided)
    broken += [f"escalation {shift_s:+.2f} s off its time" for shift_s in off if abs(shift_s) > ESCALATION_S]
    again = _again(seen.got)
    if max(again.values(), default=0) > seen.kills:
        broken.append(
            f"a message that was taken came {max(again.values())} times more, after {seen.kills} kills"
        )
    unknown = {one.id for one in seen.got} - {one.id for one in seen.milestones}
    if unknown:
        broken.append(f"{len(unknown)} messages came under an id that the log does not know")
    facts = {
        "alerts": len(seen.told),
        "deliveries": len(by_id),
        "milestones": dict(Counter(one.milestone for one in seen.milestones)),
        "finals": dict(finals),
        "requests": len(seen.got),
        "taken_again": {"messages": len(again), "most_of_one": max(again.values(), default=0)},
        "kills": seen.kills,
        "away_s": [round((one.to_ms - one.from_ms) / 1000, 1) for one in seen.away],
        "first_send_s": {
            "count": len(first_s),
            "p50": round(float(np.percentile(first_s, 50, method="higher")), 3) if first_s else None,
            "p99": round(p99_s, 3),
            "max": round(max(first_s, default=0.0), 3),
        },
        "decided_s_p50": round(float(np.median(decided_s)), 3) if decided_s else None,
        "escalations": {"count": len(off), "off_s_max": round(max(map(abs, off), default=0.0), 3)},
        "channel_failed": sorted({one.patient for one in seen.technical}),
    }
    return broken, facts


def _unheard(seen: Evidence, by_id: dict[str, list[Delivery]]) -> list[str]:
    told = {one.alert for many in by_id.values() for one in many if one.milestone == "queued"}
    missing = seen.told.keys() - told
    return [f"{len(missing)} alerts were never queued"] if missing else []


def _finals(by_id: dict[str, list[Delivery]], technical: Iterable[Alert]) -> tuple[Counter[str], int]:
    """Return the final states, and how many deliveries had none in time though no technical alert told of it."""
    failed = {alert.patient.removeprefix("~channel/"): alert.append_ts_ms for alert in technical}
    finals: Counter[str] = Counter()
    without = 0
    for many in by_id.values():
        queued = next((one for one in many if one.milestone == "queued"), None)
        final = next((one for one in many if one.milestone in FINAL), None)
        if queued is None:
            continue
        finals[final.milestone if final else "none"] += 1
        in_time = final is not None and final.at_ts_ms - queued.at_ts_ms <= FINAL_S_MAX * 1000
        told = failed.get(queued.channel)
        if not in_time and (told is None or told - queued.at_ts_ms > FINAL_S_MAX * 1000):
            without += 1
    return finals, without


def _first_s(seen: Evidence, by_id: dict[str, list[Delivery]]) -> list[float]:
    """Return how long after an alert's record its first message came, of channels that work, with a sender there."""
    came: dict[str, int] = {}
    for one in seen.got:
        came.setdefault(one.id, one.at_ms)
    found = []
    for name, many in by_id.items():
        queued = many[0]
        if queued.step != 1 or queued.channel not in WORKING or queued.alert not in seen.told:
            continue
        at_ms = seen.told[queued.alert]
        away = (*seen.away, *seen.undecided)
        if any(one.from_ms - 1_000 <= at_ms <= one.to_ms + SETTLE_MS for one in away):
            continue
        found.append((came[name] - at_ms) / 1000 if name in came else float("inf"))
    return found


@dataclass(slots=True)
class _Asked:
    """When the two steps of an alarm were queued, and when the first was given up, ms."""

    first_ms: int | None = None
    second_ms: int | None = None
    given_up_ms: int | None = None


def _escalations_off(by_id: dict[str, list[Delivery]], undecided: Sequence[Window]) -> list[float]:
    """Return by how much second steps were off the time that the route says, s.

    They are due when nobody has answered, when no channel has taken the message, or as soon as it was given up. What is
    due while nobody decides is told by the next process, and has no time of its own.
    """
    asked: dict[str, _Asked] = defaultdict(_Asked)
    for one in (one for many in by_id.values() for one in many):
        its = asked[one.episode]
        if one.milestone == "queued" and one.channel == BACKUP and its.second_ms is None:
            its.second_ms = one.at_ts_ms
        elif one.milestone == "queued" and one.channel != BACKUP and its.first_ms is None:
            its.first_ms = one.at_ts_ms
        elif one.milestone == "expired" and one.channel != BACKUP and its.given_up_ms is None:
            its.given_up_ms = one.at_ts_ms
    found = []
    for its in asked.values():
        if its.first_ms is None or its.second_ms is None:
            continue
        due = [its.first_ms + round(wait_s * 1000) for wait_s in (TAKEN_S, WAIT_S)]
        due += [] if its.given_up_ms is None else [its.given_up_ms]
        away = (one.from_ms - 1_000 <= at_ms <= one.to_ms + SETTLE_MS for one in undecided for at_ms in due)
        if not any(away):
            found.append(min(((its.second_ms - at_ms) / 1000 for at_ms in due), key=abs))
    return found


def _again(got: Sequence[Got]) -> dict[str, int]:
    """Return how often each message came again over a channel that had taken it; one kill is one such time at most."""
    times = Counter(one.id for one in got if one.channel in (*WORKING, BACKUP))
    return {name: count - 1 for name, count in times.items() if count > 1}
