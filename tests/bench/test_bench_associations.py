"""No frame is on a patient whose interval does not hold its time in the end, and none is lost."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.associations import World


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_frame_is_in_the_end_on_whom_it_belongs_to_and_nowhere_else(seed):
    world = World(seed, frames=3_000, beds=5, hours=5.0)
    world.play()
    outcome = world.judge()
    assert (outcome.misfiled, outcome.missing) == (0, 0)


def test_a_day_has_all_that_goes_wrong():
    world = World(1, frames=20_000, beds=8, hours=6.0)
    world.play()
    outcome = world.judge()
    assert outcome.sent >= 20_000
    assert outcome.copied > 1_000
    assert outcome.restarts > 0
    assert 0 < outcome.on_nobody < outcome.sent // 2
