"""What more partitions did to a peer's alerts is counted right, and what it says of its end is found."""

import dataclasses

import pytest

from bench.peers.defaults import NEWS2
from bench.scaling_peers.outcome import Written, judge, lost
from bench.scaling_peers.page import HEAD, table
from bench.scaling_peers.peer_log import LINE_CHARACTERS_MAX, complaint
from bench.scaling_peers.trial import DRILL_LIMITS, PARTITIONS_MAX, mark_names
from bench.scaling_peers.ways import STEPS, WAYS
from bench.suite.alerts_reader import Told
from streams.contracts.partitions import partition_of

FROM_MS, TO_MS = 0, 10_000
LATE_MS = 20
GROWN = """
org.apache.kafka.streams.errors.StreamsException: Existing internal topic m-patients-changelog has invalid partitions: \
expected: 8; actual: 4. Use 'kafka-streams-application-reset' tool to clean up invalid topics before processing.
\tat org.apache.kafka.streams.processor.internals.InternalTopicManager.validate(InternalTopicManager.java:1)
Caused by: java.lang.IllegalStateException: something else
"""


def frame(patient, event_ms, hr):
    return {"patient": patient, "event_ts_ms": event_ms, "hr": hr}


def beats(patient="canary-0"):
    """A frame every half second, each second one beyond the limit, taken by the broker after a millisecond."""
    moments = range(0, TO_MS, 500)
    return [Written(frame(patient, ms, 200 if ms % 1000 else 80), ms + 1) for ms in moments]


def told(log):
    """What a peer without a fault says of such a log."""
    found = []
    for one in log:
        now_ms, fast = one.frame["event_ts_ms"], one.frame["hr"] == 200
        if now_ms:  # the first frame is well, and ends nothing
            onset_ms = now_ms if fast else now_ms - 500
            phase = "start" if fast else "end"
            patient = one.frame["patient"]
            found.append(Told(patient, "canary", phase, onset_ms, now_ms, one.append_ms + LATE_MS))
    return found


def outcome(log, alerts):
    return judge(log, alerts, (DRILL_LIMITS[:1], NEWS2), FROM_MS, TO_MS)


def test_a_peer_that_tells_everything_once_and_soon_has_no_count_and_is_silent_from_mark_to_mark():
    found = outcome(beats(), told(beats()))
    assert (found.alerts_expected, found.missing, found.wrong, found.written_twice) == (10, 0, 0, 0)
    assert found.silence_s == pytest.approx(0.521)
    assert found.differences == []


def test_a_start_that_was_not_told_is_missing():
    found = outcome(beats(), [one for one in told(beats()) if one.event_ms != 4_500])
    assert (found.missing, found.wrong) == (1, 0)
    assert found.differences == ["missing: canary-0 canary with onset 4500 at 4500"]


def test_a_start_with_another_onset_is_wrong_and_the_right_one_is_missing():
    alerts = [
        dataclasses.replace(one, onset_ms=4_000) if (one.event_ms, one.phase) == (4_500, "start") else one
        for one in told(beats())
    ]
    found = outcome(beats(), alerts)
    assert (found.missing, found.wrong, found.written_twice) == (1, 1, 0)


def test_scores_that_were_not_told_are_missing_and_those_told_too_often_are_wrong():
    ill = {"patient": "bed-1", "resp": 30, "spo2": 85, "abp_sys": 80, "pulse": 140, "hr": 140}
    moments = range(0, 60_000, 1_000)
    log = [Written(ill | {"event_ts_ms": ms}, ms + 1) for ms in moments]
    score = Told("bed-1", NEWS2.id, "start", 0, 10_000, 10_020)
    again = dataclasses.replace(score, onset_ms=30_000, event_ms=40_000, append_ms=40_020)
    counts = [
        (one.missing, one.wrong) for one in (outcome(log, told) for told in ([], [score], [score, again]))
    ]
    assert counts == [(1, 0), (0, 0), (0, 1)]


def test_what_is_written_again_is_counted_starts_and_ends_and_makes_nothing_late():
    again = [dataclasses.replace(one, append_ms=one.append_ms + 9_000) for one in told(beats())]
    found = outcome(beats(), told(beats()) + again)
    assert (found.missing, found.wrong, found.written_twice) == (0, 0, 19)
    assert found.silence_s == pytest.approx(0.521)


def test_silence_is_the_time_without_marks_though_all_is_told_later():
    late = [
        dataclasses.replace(one, append_ms=8_000) if 3_000 < one.event_ms < 8_000 else one
        for one in told(beats())
    ]
    found = outcome(beats(), late)
    assert found.missing == 0
    assert found.silence_s == pytest.approx(8.0 - 3.021)


def test_a_patient_who_is_told_late_counts_though_the_marks_go_on():
    log = [*beats(), Written(frame("bed-1", 2_000, 200), 2_001)]
    alert = Told("bed-1", "canary", "start", 2_000, 2_000, 9_001)
    assert outcome(log, [*told(beats()), alert]).silence_s == pytest.approx(7.0)


def test_a_canary_that_is_never_heard_is_silence_from_beginning_to_end():
    log = [*beats(), *beats("canary-7")]
    found = outcome(log, told(beats()))
    assert (found.silence_s, found.silent_at_end) == ((TO_MS - FROM_MS) / 1000, True)


def test_who_was_silent_and_is_heard_again_is_not_silent_at_the_end():
    log = [Written(frame("canary-0", ms, 200 if ms % 1000 else 80), ms) for ms in range(0, 40_000, 500)]
    again = [one for one in told(log) if not 10_000 < one.event_ms < 35_000]
    found = judge(log, again, (DRILL_LIMITS[:1], NEWS2), FROM_MS, 40_000)
    assert (found.silence_s > 20, found.silent_at_end) == (True, False)
    stopped = judge(log, again[:20], (DRILL_LIMITS[:1], NEWS2), FROM_MS, 40_000)
    assert stopped.silent_at_end


def test_marks_of_the_harness_are_neither_wrong_nor_written_twice():
    mark = Told("end-3", "marker", "start", 1, 1, 2)
    found = outcome(beats(), [*told(beats()), mark, mark])
    assert (found.wrong, found.written_twice) == (0, 0)


def test_the_order_in_which_partitions_are_read_back_does_not_matter():
    log = beats()
    assert outcome(log[::-1], told(log)) == outcome(log, told(log))


def test_frames_that_were_acknowledged_and_are_not_where_it_was_judged_are_lost_however_often_others_are():
    frames = [one.frame for one in beats()]
    assert lost(len(frames), [*frames[3:], *frames[3:]]) == 3
    assert lost(len(frames), frames) == 0


def test_of_an_exception_and_its_causes_the_first_is_told_without_its_package():
    said = complaint(GROWN)
    assert said is not None
    assert said.startswith("StreamsException: Existing internal topic m-patients-changelog has invalid")
    assert len(complaint("a.b.XException: " + 1_000 * "x") or "") == LINE_CHARACTERS_MAX


@pytest.mark.parametrize(
    "text", ["", "12 [main] WARN something.or.other - rebalancing\n\tat a.b.C.d(C.java:1)"]
)
def test_where_nothing_went_wrong_nothing_is_told(text):
    assert complaint(text) is None


def test_marks_reach_every_partition_before_and_after_each_step():
    names = mark_names("end-", PARTITIONS_MAX)
    for count in (4, *(partitions for _, partitions in STEPS)):
        assert {partition_of(name, count) for name in names} == set(range(count))


def test_the_limits_are_those_of_the_drill():
    assert [(one.id, one.low, one.high, one.delay_ms) for one in DRILL_LIMITS] == [
        ("canary", None, 190, 0),
        ("hr-high", None, 120, 3_000),
        ("spo2-low", 90, None, 6_000),
    ]


def test_the_table_has_a_row_a_way_and_says_who_was_dead_at_the_end():
    counts = {"alerts_expected": 1234, "missing": 1, "wrong": 2, "written_twice": 3, "frames_lost": 0}
    ways = {"a": {"about": "one", "silence_s": 3.21, "silent_at_end": False, **counts}}
    ways["b"] = {"about": "two", "silence_s": 51.0, "silent_at_end": True, **counts}
    assert table(ways).splitlines()[len(HEAD) :] == [
        "| one | 3.2 s | 1,234 | 1 | 2 | 3 | 0 |",
        "| two | 51.0 s, to the end | 1,234 | 1 | 2 | 3 | 0 |",
    ]


def test_every_way_says_what_it_is():
    assert all(way.play.__doc__ and way.about for way in WAYS.values())
