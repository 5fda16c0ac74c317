"""What a stored reading stands for: what the display showed, and never a reading beside it."""

import pytest

from edge.readers.units import Unit, snap


@pytest.mark.parametrize(
    ("value", "gain", "step", "shown"),
    [
        (120.00033, 1170.2467532467533, 1.0, 120.0),  # wfdb's own choice of gain, case 25
        (90.00021, 1724.5737704918033, 1.0, 90.0),
        (128.000018, 54_612.5, 1.0, 128.0),  # cut off instead of rounded, by nearly a code
        (89.9, 10.0, 1.0, 89.9),  # tenths hold it: one code below a limit of 90
        (90.1, 10.0, 1.0, 90.1),
        (89.97, 10.0, 1.0, 90.0),  # nearer to 90 than to any other tenth
        (89.5, 2.0, 1.0, 89.5),
        (36.65, 100.0, 0.1, 36.65),
        (36.6001, 1000.0, 0.1, 36.6),
        (-120.00033, -1170.2467532467533, 1.0, -120.0),
        (97.3, 0.0, 1.0, 97.3),
    ],
)
def test_a_reading_is_the_displays_step_only_where_no_other_can_be_meant(value, gain, step, shown):
    assert snap(value, gain, Unit(step=step)) == shown
