"""The comparison of a system's alerts with the reference's finds each kind of difference."""

import pytest

from bench.peers.defaults import LIMITS, NEWS2
from bench.peers.equality import differences, expected_starts
from bench.peers.reference import Alert

RULES = [limit.id for limit in LIMITS]
HIGH = ("bed-1", "hr-high", 1_000, 11_000)
SCORE = ("bed-1", "news2", 5_000, 15_000)


def compare(found, expected=(HIGH, SCORE)):
    return differences(found, expected, NEWS2, RULES)


def test_equal_starts_have_no_difference():
    assert compare([SCORE, HIGH]) == []


def test_a_start_told_twice_is_one_start():
    assert compare([HIGH, SCORE, SCORE, HIGH]) == []


def test_a_missing_start_is_found():
    assert compare([SCORE]) == ["missing: bed-1 hr-high with onset 1000 at 11000"]


def test_a_start_too_many_is_found():
    extra = ("bed-2", "hr-low", 1, 2)
    assert compare([HIGH, SCORE, extra]) == ["not expected: bed-2 hr-low with onset 1 at 2"]


@pytest.mark.parametrize("other", [("bed-1", "hr-high", 1_001, 11_000), ("bed-1", "hr-high", 1_000, 12_000)])
def test_another_onset_or_causing_frame_is_a_difference(other):
    assert [line.split(":")[0] for line in compare([other, SCORE])] == ["missing", "not expected"]


@pytest.mark.parametrize(("onset_ms", "equal"), [(15_000, True), (15_001, False)])
def test_the_onset_of_a_score_may_differ_by_two_scorings(onset_ms, equal):
    assert (compare([HIGH, ("bed-1", "news2", onset_ms, 30_000)]) == []) == equal


@pytest.mark.parametrize("found", [[HIGH], [HIGH, SCORE, ("bed-1", "news2", 90_000, 95_000)]])
def test_another_number_of_scores_is_a_difference(found):
    (line,) = compare(found)
    assert line == f"bed-1: {len(found) - 1} starts of news2 instead of 1"


def test_a_score_of_a_patient_that_has_none_is_a_difference():
    assert compare([HIGH, SCORE, ("bed-2", "news2", 1, 2)]) == ["bed-2: 1 starts of news2 instead of 0"]


def test_starts_of_other_rules_are_left_out():
    assert compare([HIGH, SCORE, ("bed-1", "silent-device", 1, 2)]) == []


def test_ends_are_not_compared():
    assert expected_starts([Alert(*HIGH[:2], "start", *HIGH[2:], 1), Alert(*HIGH[:2], "end", 0, 0, 1)]) == [
        HIGH
    ]
