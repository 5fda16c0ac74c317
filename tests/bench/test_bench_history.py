"""The verdict of the history's benchmark: which goals its figures miss, those that were not measured left out."""

from bench.history import missed

FOUND = {
    "bytes a frame": {"an hour of a partition": 1.2},
    "writer": {"core, merging and thinning included": 0.019},
    "answers": {"24 h by minute": {"median_ms": 99.0}, "30 days by quarter": {"median_ms": 299.0}},
}


def test_figures_within_their_goals_miss_none():
    assert missed(FOUND) == []


def test_each_goal_that_is_missed_is_named_with_its_figure():
    found = FOUND | {"writer": {"core, merging and thinning included": 0.021}}
    assert missed(found) == ["writer, core, merging and thinning included: 0.021, at most 0.02"]


def test_what_was_not_measured_is_not_missed():
    assert missed({"bytes a frame": {"an hour of a partition": 2.5}}) == [
        "bytes a frame, an hour of a partition: 2.5, at most 2"
    ]
