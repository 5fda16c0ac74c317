"""Groups of elements: what comes before what, against a loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tables.groups import SMALL, Groups

numbers = st.lists(st.sampled_from((0, 1, 2, 7, SMALL - 1, SMALL, SMALL + 1)), max_size=30)


def before_each(drawn):
    """Return the indices of the elements of the same group before each one."""
    return [[j for j in range(i) if drawn[j] == drawn[i]] for i in range(len(drawn))]


@given(numbers)
def test_elements_are_brought_together_in_their_order(drawn):
    groups = Groups(np.array(drawn, dtype=np.int64))
    assert groups.order.tolist() == sorted(range(len(drawn)), key=lambda i: (drawn[i], i))
    assert groups.first.tolist() == [not before_each(drawn)[i] for i in groups.order]


@given(numbers)
def test_each_element_knows_who_came_before_it(drawn):
    groups, earlier = Groups(np.array(drawn, dtype=np.int64)), before_each(drawn)
    assert groups.apart == (not any(earlier))
    assert groups.previous.tolist() == [max(found, default=-1) for found in earlier]
    assert groups.rank.tolist() == [len(found) for found in earlier]
    values, otherwise = np.arange(len(drawn)) * 10, -np.arange(len(drawn)) - 1
    expected = [10 * max(found) if found else -i - 1 for i, found in enumerate(earlier)]
    assert groups.before(values, otherwise).tolist() == expected
