"""A ward that falls silent as a whole is one loss; single silent devices stay their own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinical.limits import NEVER
from clinical.wards import NOWHERE, ward_loss

NOW = 1_000_000
PATIENCE = 15_000


def judge(patients, now=NOW, wards=3):
    """Judge patients, each (ward, silent for s or None, told alone, onset of the ward's alarm or NEVER)."""
    ward, silent, alone, onset = zip(*patients, strict=True)
    seen = [NEVER if s is None else now - round(s * 1000) for s in silent]
    n = len(patients)
    found = ward_loss(
        np.array(ward),
        wards,
        now,
        np.array(seen),
        np.full(n, PATIENCE),
        np.array(alone),
        np.array(onset),
    )
    return found.part.tolist(), found.onset_ms.tolist()


def quiet(*silent_s, ward=0):
    return [(ward, s, False, NEVER) for s in silent_s]


def test_half_of_a_ward_and_at_least_three_silent_together_is_one_loss():
    part, onset = judge(quiet(15, 16, 17, 0, 0, 0))
    assert part == [True] * 3 + [False] * 3
    assert onset == [960_000] * 3 + [NEVER] * 3


def test_two_patients_or_less_than_half_are_no_ward():
    assert not any(judge(quiet(15, 16))[0])
    assert not any(judge(quiet(15, 16, 17, 0, 0, 0, 0))[0])


def test_who_will_be_silent_in_a_moment_counts_so_that_nobody_is_told_alone_first():
    assert judge(quiet(15, 11, 10, 0))[0] == [True, True, True, False]
    assert not any(judge(quiet(15, 11, 9.9, 0))[0])
    assert not any(judge(quiet(14.9, 14, 13))[0])


def test_devices_that_fell_silent_at_other_times_are_not_part_of_it():
    assert not any(judge(quiet(15, 16, 100, 0))[0])
    assert judge(quiet(15, 16, 45, 0))[0] == [True, True, True, False]


def test_who_was_told_alone_does_not_count():
    told = [(0, 16, True, NEVER)]
    assert not any(judge(told + quiet(15, 15, 0))[0])
    assert judge(told + quiet(15, 15, 15, 0, 0))[0] == [False, True, True, True, False, False]


def test_a_patient_without_a_ward_or_without_a_frame_is_never_part():
    patients = [*quiet(15, 15, 15, ward=NOWHERE), *quiet(None, 15, 15, ward=1)]
    assert not any(judge(patients)[0])


def test_wards_are_judged_apart():
    part, _ = judge([*quiet(15, 15, 0), *quiet(15, 15, 15, ward=1), *quiet(0, 0, 0, ward=2)])
    assert part == [False] * 3 + [True] * 3 + [False] * 3


def test_a_loss_keeps_its_onset_while_it_lasts_and_late_ones_join():
    part, onset = judge([(0, 200, False, 800_000)] * 3 + quiet(16))
    assert part == [True] * 4
    assert onset == [800_000] * 4


def test_a_loss_ends_when_too_few_are_left():
    assert not any(judge([(0, 200, False, 800_000)] * 2 + [(0, 1, False, 800_000)])[0])


patients = st.tuples(
    st.sampled_from((NOWHERE, 0, 1)),
    st.sampled_from((None, 0, 3, 9, 10, 12, 14, 15, 16, 20, 44, 46, 90)),
    st.booleans(),
    st.sampled_from((NEVER, NEVER, NEVER, 840_000)),
)


def plain(rows, now=NOW):
    """Judge ward by ward and patient by patient."""
    found = [False] * len(rows)
    for ward in (0, 1):
        here = [
            (i, s, part)
            for i, (w, s, alone, part) in enumerate(rows)
            if w == ward and s is not None and not alone
        ]
        due = [s for _, s, _ in here if s >= 15]
        lost = {i for i, s, part in here if s >= 10 and ((due and abs(s - min(due)) <= 30) or part != NEVER)}
        if len(lost) >= 3 and 2 * len(lost) >= len(here):
            for i in lost:
                found[i] = True
    return found


@given(st.lists(patients, min_size=1, max_size=14))
def test_any_ward_is_judged_as_a_plain_reading_says(rows):
    part, onset = judge(rows)
    assert part == plain(rows)
    assert all((at != NEVER) == inside for at, inside in zip(onset, part, strict=True))
    assert all(at % 60_000 == 0 for at in onset if at != NEVER)
