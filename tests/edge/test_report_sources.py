"""Where a report's records are from: what neither topic nor history has is told, by a plain look at every record."""

from hypothesis import given
from hypothesis import strategies as st

from edge.reports.sources import Removed, Sources, missing_until


@st.composite
def logs(draw):
    """Return times of a partition's records, the first offset that the topic has, and the offsets of the history."""
    times = sorted(draw(st.lists(st.integers(0, 100), min_size=1, max_size=12)))
    behind = draw(st.integers(1, len(times)))
    first = draw(st.integers(0, len(times)))
    return times, behind, range(first, draw(st.integers(first, len(times))))


def removed_of(log):
    times, behind, kept = log
    gone_ms = times[behind] if behind < len(times) else times[-1] + 1
    if not kept:
        return Removed(behind, gone_ms)
    return Removed(behind, gone_ms, kept[0], times[kept[0]], kept[-1] + 1)


@given(st.lists(logs(), max_size=3), st.integers(0, 110))
def test_whatever_is_in_no_source_is_older_than_what_is_told_to_be_missing(partitions, from_ms):
    lost = [
        at
        for times, behind, kept in partitions
        for offset, at in enumerate(times)
        if at >= from_ms and offset < behind and offset not in kept
    ]
    told = missing_until(map(removed_of, partitions), from_ms)
    assert all(told is not None and at <= told for at in lost)
    assert told is None or told >= from_ms


def test_a_history_from_the_first_record_on_or_from_before_the_time_lacks_nothing():
    assert Removed(50, 900, kept_first=0, kept_first_ms=400, kept_behind=50).missing_until_ms(100) is None
    assert Removed(50, 900, kept_first=9, kept_first_ms=90, kept_behind=70).missing_until_ms(100) is None


def test_what_came_before_the_history_behind_it_or_without_one_is_told():
    assert Removed(50, 900, kept_first=9, kept_first_ms=400, kept_behind=50).missing_until_ms(100) == 400
    assert Removed(50, 900, kept_first=0, kept_first_ms=90, kept_behind=49).missing_until_ms(100) == 900
    assert Removed(50, 900).missing_until_ms(100) == 900


def test_what_was_removed_before_the_time_is_not_missing():
    assert Removed(50, 900).missing_until_ms(901) is None
    assert missing_until([], 0) is None


def test_each_source_that_gave_something_is_named_with_its_stretch():
    sources = Sources("alerts")
    assert sources.lines(str) == []
    for at in (30, 10, 20):
        sources.stretches["history"].take(at)
    sources.stretches["topic"].take(40)
    sources.missing_until_ms = 5
    assert sources.lines(str) == [
        "alerts from the history: 3, 10 to 30",
        "alerts from the topic: 1, 40 to 40",
        "alerts before 5 may be missing: the topic no longer has them, and no history that was given has all of them",
    ]
