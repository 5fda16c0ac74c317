"""Questions to masks, short and long ones, beside what NumPy says."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinical.masks import SHORT, every, how_many, in_row, places, some

SIZES = st.sampled_from([0, 1, 2, SHORT - 1, SHORT, SHORT + 1, 3 * SHORT])


@st.composite
def masks(draw):
    """Return a mask that is mostly false, mostly true or mixed."""
    size, share = draw(SIZES), draw(st.sampled_from([0.0, 0.02, 0.5, 0.98, 1.0]))
    return np.random.default_rng(draw(st.integers(0, 2**32))).random(size) < share


@given(masks())
def test_a_mask_of_any_length_is_answered_as_numpy_does(mask):
    assert how_many(mask) == np.count_nonzero(mask)
    assert some(mask) == mask.any()
    assert every(mask) == mask.all()


def test_of_an_empty_mask_every_element_is_true_and_none_is():
    assert (every(np.zeros(0, np.bool_)), some(np.zeros(0, np.bool_)), how_many(np.zeros(0))) == (
        True,
        False,
        0,
    )


@given(masks(), st.sampled_from([1, 2, 3]))
def test_rows_and_places_are_those_of_the_true_elements(mask, columns):
    table = mask[: len(mask) // columns * columns].reshape(-1, columns)
    assert in_row(table).tolist() == table.any(axis=1).tolist()
    assert places(table) == [(row, column) for row, column in np.ndindex(table.shape) if table[row, column]]
