"""Gaps in a sender's numbers and in a device's time."""

from edge.gateway.wire_losses import KNOWN_MAX, Gaps
from streams.decoding.wire_frames import WireFrame


def frame(device, at_ms):
    return WireFrame("", device, 0, at_ms, at_ms, 1_000)


def test_numbers_that_are_missing_are_counted_for_each_source_and_counter():
    gaps = Gaps()
    assert gaps.by_number("a", [("", 1), ("", 2), ("", 5)]) == 2
    assert gaps.by_number("b", [("", 9)]) == 0
    assert gaps.by_number("a", [("bed", 9), ("", 6)]) == 0


def test_a_sender_that_begins_anew_has_no_gap():
    gaps = Gaps()
    assert gaps.by_number("a", [("", 900), ("", 1), ("", 2), ("", 2)]) == 0


def test_a_device_that_was_away_for_more_than_five_intervals_is_a_gap():
    gaps = Gaps()
    assert gaps.by_time([frame("a", 0), frame("a", 5_000), frame("b", 90_000)]) == 0
    assert gaps.by_time([frame("a", 10_001), frame("a", 3_000), frame("a", 11_000)]) == 1


def test_what_is_kept_in_mind_is_bounded():
    gaps = Gaps()
    gaps.by_number("a", [(str(counter), 1) for counter in range(KNOWN_MAX + 5)])
    assert gaps.by_number("a", [("0", 5)]) == 0
    assert gaps.by_number("a", [(str(KNOWN_MAX), 5)]) == 3
