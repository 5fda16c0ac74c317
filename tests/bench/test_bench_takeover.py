"""The gap of a takeover is the longest silence of a partition that lost its worker, if somebody took it over."""

import pytest

from bench.takeover import longest_s
from streams.errors import VigilError

ALERTS = {0: [3.0, 1.0, 2.0, 13.5, 14.0], 1: [1.0, 2.0, 3.0, 30.0], 2: [1.0, 2.0, 11.0], 3: [1.0]}


def test_the_longest_silence_of_each_lost_partition_counts_and_no_other_partitions():
    assert longest_s(ALERTS, {2, 0}, until_s=8.0) == [10.5, 9.0]


@pytest.mark.parametrize("lost", [{3}, {4}])
def test_a_partition_that_nobody_took_over_is_no_short_gap_but_a_failure(lost):
    with pytest.raises(VigilError, match="took over"):
        longest_s(ALERTS, lost | {0}, until_s=8.0)
