"""Frames as columns: parts of them and several joined are the frames that one would expect."""

import numpy as np
import pytest

from clinical.vitals import ABSENT, COUNT, INDEX
from streams.decoding.decoded import Frames


def frames(first, carried, rows):
    """Return frames from offset `first` on; `rows` has a list of the carried signals' values for each."""
    number = np.arange(first, first + len(rows))
    names = [f"bed-{n}" for n in number]
    return Frames(
        names,
        [f"mon-{n}" for n in number],
        *(number + shift for shift in range(5)),
        number,
        np.array(rows, dtype=np.float64).reshape(len(rows), len(carried)),
        np.array([INDEX[name] for name in carried]),
    )


HR = frames(0, ["hr"], [[60.0], [61.0]])
BOTH = frames(2, ["hr", "spo2"], [[62.0, 97.0], [63.0, ABSENT]])


def test_a_part_has_the_rows_that_were_chosen_and_all_of_it_is_the_same_object():
    part = BOTH.take(np.array([False, True]))
    assert (part.patient, part.device, part.offset.tolist()) == (["bed-3"], ["mon-3"], [3])
    assert part.values.tolist() == [[63.0, ABSENT]]
    assert BOTH.take(slice(1, 2)).patient == ["bed-3"]
    assert BOTH.take(slice(0, 2)) is BOTH


def test_a_signal_that_is_not_carried_is_absent():
    wide = HR.of_all_signals(slice(None))
    assert wide.shape == (2, COUNT)
    assert wide[:, INDEX["hr"]].tolist() == [60.0, 61.0]
    assert (np.delete(wide, INDEX["hr"], axis=1) == ABSENT).all()


@pytest.mark.parametrize("stretches", [[HR, BOTH], [BOTH, HR], [HR, HR], [BOTH, HR, BOTH]])
def test_joined_stretches_are_their_frames_one_behind_the_other(stretches):
    joined = Frames.joined(stretches)
    assert len(joined) == sum(map(len, stretches))
    assert joined.offset.tolist() == [n for stretch in stretches for n in stretch.offset.tolist()]
    apart = np.concatenate([stretch.of_all_signals(slice(None)) for stretch in stretches])
    assert (joined.of_all_signals(slice(None)) == apart).all()
    assert joined.carried.tolist() == sorted({n for stretch in stretches for n in stretch.carried.tolist()})


def test_one_stretch_is_not_copied():
    assert Frames.joined([HR]) is HR
