"""Reports that never came, counted by StateVersion."""

from test_metric_frames import metric

from edge.gateway.sdc.state_copies import StateReport
from edge.gateway.sdc.state_gaps import StateGaps


def report(sequence, **versions):
    metrics = tuple(metric(handle=handle, version=version) for handle, version in versions.items())
    return StateReport(sequence, 1, metrics, (), 1_000, 0.0)


def test_a_step_of_more_than_one_is_a_gap():
    gaps = StateGaps()
    given = [{"hr": 4}, {"hr": 5}, {"hr": 8, "spo2": 90}, {"spo2": 91}, {"hr": 9}]
    assert [gaps.of(report("a", **one)) for one in given] == [0, 0, 2, 0, 0]


def test_what_comes_again_is_no_gap():
    gaps = StateGaps()
    assert [gaps.of(report("a", hr=version)) for version in (4, 4, 3, 5)] == [0, 0, 0, 0]


def test_a_device_that_began_anew_counts_anew():
    gaps = StateGaps()
    assert [gaps.of(report(name, hr=version)) for name, version in (("a", 4), ("b", 900))] == [0, 0]
