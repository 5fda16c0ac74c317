"""What a way to more partitions did to the alerts: the reference over the log as it was written, and what was told.

Knows no broker: it is fed what was read back.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.drills.findings import gap_s
from bench.drills.oracle import Told as Delayed
from bench.peers.equality import Start, differences, expected_starts
from bench.peers.reference import starts
from bench.peers.spec import MARKER_PATIENTS, Limit, News2
from bench.suite.alerts_reader import Told

CANARIES: Final = "canary-"
"""The load's patients who raise an alert a frame, one in each of the first partitions: their alerts mark progress."""

DEAD_S: Final = 10.0
"""Longer than a peer that lives leaves a canary without an alert, and is behind."""


@dataclass(frozen=True, slots=True)
class Written:
    """A frame as it lies in the log, and when the broker took it, ms."""

    frame: Mapping[str, Any]
    append_ms: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of starts but for `written_twice`, which counts ends too; times in s.

    `wrong` are starts that the log does not lead to. `silence_s` is `gap_s` of the drills, with the canaries' alerts
    in the place of ticks, which peers do not write.
    """

    alerts_expected: int
    missing: int
    wrong: int
    written_twice: int
    silence_s: float
    silent_at_end: bool
    """Some canary was not heard in the last `DEAD_S` of the load, or ever: nobody judges it any more."""
    differences: list[str]


def judge(
    log: Sequence[Written],
    alerts: Iterable[Told],
    rules: tuple[Sequence[Limit], News2],
    from_ms: int,
    to_ms: int,
) -> Outcome:
    """Compare what was told with what the log leads to.

    Args:
        log: all frames, in any order; each patient's are judged in the order in which they were measured.
        alerts: all alerts, each patient's in the order of the topic.
        rules: of the run.
        from_ms: silence is looked for from then on,
        to_ms: and until then.
    """
    limits, news2 = rules
    ours = [alert for alert in alerts if not alert.patient.startswith(MARKER_PATIENTS)]
    first: dict[tuple[str, str, str, int, int], Told] = {}
    for alert in ours:
        first.setdefault(alert.content, alert)
    in_order = sorted((written.frame for written in log), key=lambda frame: frame["event_ts_ms"])
    expected = expected_starts(starts(limits, news2, in_order))
    found = [(a.patient, a.rule, a.onset_ms, a.event_ms) for a in first.values() if a.phase == "start"]
    marks, silence_s = _silence(log, first.values(), from_ms, to_ms)
    missing, wrong, said = _compared(found, expected, limits, news2)
    return Outcome(
        len(expected),
        missing,
        wrong,
        len(ours) - len(first),
        round(silence_s, 3),
        any(not times or max(times) < to_ms - 1000 * DEAD_S for times in marks.values()),
        said[:20],
    )


def _compared(
    found: Sequence[Start], expected: Sequence[Start], limits: Sequence[Limit], news2: News2
) -> tuple[int, int, list[str]]:
    """Return how many starts are missing, how many the log does not lead to, and each difference as a sentence.

    A patient's scores that are too few are missing, and too many are wrong: there is one sentence for either.
    """
    said = differences(found, expected, news2, [limit.id for limit in limits])
    wanted, told = (
        Counter(patient for patient, rule, *_ in set(side) if rule == news2.id) for side in (expected, found)
    )
    missing = sum(one.startswith("missing:") for one in said) + (wanted - told).total()
    wrong = sum(one.startswith("not expected:") or " has its onset " in one for one in said)
    return missing, wrong + (told - wanted).total(), said


def _silence(
    log: Sequence[Written], alerts: Iterable[Told], from_ms: int, to_ms: int
) -> tuple[Mapping[int, Sequence[int]], float]:
    """Return when each canary was heard, ms, and the longest silence, s."""
    taken_ms = {(one.frame["patient"], one.frame["event_ts_ms"]): one.append_ms for one in log}
    marks: defaultdict[int, list[int]] = defaultdict(list)
    for patient in {one.frame["patient"] for one in log}:
        if patient.startswith(CANARIES):
            marks[int(patient.removeprefix(CANARIES))] = []  # one who was never heard is silent all the time
    told = []
    for alert in alerts:
        told.append(Delayed(alert.patient, taken_ms[alert.patient, alert.event_ms], alert.append_ms))
        if alert.patient.startswith(CANARIES):
            marks[int(alert.patient.removeprefix(CANARIES))].append(alert.append_ms)
    return marks, gap_s(marks, told, from_ms, to_ms)


def lost(accepted: int, judged: Iterable[Mapping[str, Any]]) -> int:
    """Return how many of the frames that the broker acknowledged are not in the topic that was judged at the end."""
    return max(0, accepted - len({(frame["patient"], frame["event_ts_ms"]) for frame in judged}))
