"""Numbers that kernels have as literals of their own are those of the rest of the house."""

import pytest

from agents.judging.flicker import COUNTED_MAX
from clinical import clock, lifecycle, limits
from clinical.kernels import judge_literals as ours
from clinical.rules import SIGN_OFF_MS
from clinical.sensors import Clock
from tables import device_rows, identification, windows


@pytest.mark.parametrize("state", lifecycle.State)
def test_states(state):
    assert getattr(ours, state.name) == state


@pytest.mark.parametrize(
    "event", ["VIOLATED", "DUE", "BETWEEN", "INSIDE", "CLEAR", "MISSING", "SUPPRESS", "LATCH"]
)
def test_events(event):
    assert getattr(ours, event) == lifecycle.Event[event]


@pytest.mark.parametrize("kind", Clock)
def test_clocks(kind):
    assert getattr(ours, kind.name) == kind


def test_all_else():
    assert ours.START == lifecycle.Phase.START
    assert max(lifecycle.State) < ours.ILLEGAL
    assert lifecycle.transition_arrays()[0].max() == ours.ILLEGAL
    for module, names in (
        (limits, ("NEVER", "NONE_SUPPRESSED", "MEDIUM", "INTERVALS_MISSED")),
        (identification, ("REPEAT", "LATE", "NEXT", "AGAIN")),
        (windows, ("BUCKET_MS", "SCALE", "SAMPLES_MAX")),
        (clock, ("PACE_MS",)),
        (device_rows, ("FLICKER_SLOT_MS",)),
    ):
        for name in names:
            assert getattr(ours, name) == getattr(module, name)
    assert (ours.SIGN_OFF_MS, ours.COUNTED_MAX) == (SIGN_OFF_MS, COUNTED_MAX)
