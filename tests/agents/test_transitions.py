"""What a transition says by itself."""

from agents.judging.reasons import Reason
from agents.judging.transitions import NOT_MEASURED, NOTHING, Details


def test_nothing_says_nothing():
    assert Details() == NOTHING


def test_what_is_not_measured_any_more_says_so_in_words_and_in_one():
    assert NOT_MEASURED.reason == Reason.NOT_MEASURED
    assert "not measured any more" in NOT_MEASURED.note
