"""Whether a system's alerts are right: its starts beside the reference's, and every difference as a sentence.

Starts of limit rules must be the same set; a start that is told twice (at-least-once) is one start. Of NEWS2 each
patient must have as many starts, and the onset of each may differ by two scorings, because Vigil scores at ticks.
"""

from collections import defaultdict
from collections.abc import Iterable

from bench.peers.reference import Alert
from bench.peers.spec import News2

NEWS2_SCORINGS_MAX = 2

Start = tuple[str, str, int, int]
"""Patient, rule, onset and causing frame's time in ms: what makes two starts the same."""


def expected_starts(alerts: Iterable[Alert]) -> list[Start]:
    """Return the starts among the reference's alerts."""
    return [
        (alert.patient, alert.rule, alert.onset_ts_ms, alert.event_ts_ms)
        for alert in alerts
        if alert.phase == "start"
    ]


def differences(
    found: Iterable[Start], expected: Iterable[Start], news2: News2, rules: Iterable[str]
) -> list[str]:
    """Return what differs, a sentence each; none when the system did the work.

    Args:
        found: the system's starts.
        expected: the reference's.
        news2: the score alarm of the run.
        rules: ids of the limit rules of the run; the system's starts of other rules are no business of ours.
    """
    ours, theirs = set(expected), set(found)
    limits = set(rules)
    wanted = {start for start in ours if start[1] in limits}
    told = {start for start in theirs if start[1] in limits}
    sentences = [f"missing: {_name(start)}" for start in sorted(wanted - told)]
    sentences += [f"not expected: {_name(start)}" for start in sorted(told - wanted)]
    wanted_scores, told_scores = _by_patient(ours, news2.id), _by_patient(theirs, news2.id)
    for patient in sorted(wanted_scores.keys() | told_scores.keys()):
        sentences += _score_differences(patient, wanted_scores[patient], told_scores[patient], news2)
    return sentences


def _by_patient(starts: Iterable[Start], rule: str) -> defaultdict[str, list[int]]:
    """Return the onsets of one rule, in order, by patient."""
    onsets: defaultdict[str, list[int]] = defaultdict(list)
    for patient, _, onset_ms, _ in sorted(start for start in starts if start[1] == rule):
        onsets[patient].append(onset_ms)
    return onsets


def _score_differences(patient: str, wanted: list[int], told: list[int], news2: News2) -> list[str]:
    if len(wanted) != len(told):
        return [f"{patient}: {len(told)} starts of {news2.id} instead of {len(wanted)}"]
    apart_ms_max = NEWS2_SCORINGS_MAX * news2.every_ms
    return [
        f"{patient}: {news2.id} has its onset at {got_ms} instead of {want_ms}, more than {apart_ms_max} ms apart"
        for want_ms, got_ms in zip(wanted, told, strict=True)
        if abs(want_ms - got_ms) > apart_ms_max
    ]


def _name(start: Start) -> str:
    patient, rule, onset_ms, event_ms = start
    return f"{patient} {rule} with onset {onset_ms} at {event_ms}"
