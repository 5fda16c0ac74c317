"""How the readings lie: every phase meets every step, and no course of steps leads to what cannot be."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streams.contracts.layout import (
    GENERATIONS_MAX,
    STEPS,
    Generation,
    IllegalStep,
    Layout,
    Phase,
    Step,
    first_layout,
)

COURSES = {
    Phase.SETTLED: (),
    Phase.PREPARED: (Step.PREPARE,),
    Phase.DRAINING: (Step.PREPARE, Step.DRAIN),
    Phase.FORWARDING: (Step.PREPARE, Step.DRAIN, Step.MOVE),
    Phase.OPEN: (Step.PREPARE, Step.DRAIN, Step.MOVE, Step.OPEN),
}
PAIRS = list(product(Phase, Step))


def led(*steps, factor=2):
    layout = first_layout("vigil")
    for step in steps:
        layout = layout.after(step, 5, factor)
    return layout


@pytest.mark.parametrize(("phase", "step"), [pair for pair in PAIRS if pair[1] in STEPS[pair[0]]])
def test_a_step_of_the_table_leads_to_its_phase_under_the_next_number(phase, step):
    before = led(*COURSES[phase])
    after = before.after(step, 7, 3)
    expected = Phase.SETTLED if step == Step.ABORT else STEPS[phase][step]
    assert (before.phase, after.phase, after.number, after.at_ts_ms) == (
        phase,
        expected,
        before.number + 1,
        7,
    )
    assert before.allows(step)


@pytest.mark.parametrize(("phase", "step"), [pair for pair in PAIRS if pair[1] not in STEPS[pair[0]]])
def test_a_step_that_the_table_lacks_is_refused(phase, step):
    layout = led(*COURSES[phase])
    assert not layout.allows(step)
    with pytest.raises(IllegalStep, match=f"{step} cannot be done while it is {phase}"):
        layout.after(step, 7)


def test_nothing_is_judged_while_workers_drain_and_otherwise_always():
    assert [phase for phase in Phase if not led(*COURSES[phase]).is_let_in] == [Phase.DRAINING]


def test_until_the_state_has_moved_all_is_judged_and_written_where_it_was():
    for phase in (Phase.SETTLED, Phase.PREPARED, Phase.DRAINING):
        layout = led(*COURSES[phase])
        assert (layout.judged.number, layout.written.number, layout.hops) == (0, 0, ())


def test_who_begins_to_write_does_so_where_it_was_until_what_came_before_has_been_forwarded():
    moved, opened = led(*COURSES[Phase.FORWARDING]), led(*COURSES[Phase.OPEN])
    assert (moved.judged.number, moved.written.number) == (1, 0)
    assert (opened.judged.number, opened.written.number) == (1, 1)
    assert moved.hops == opened.hops == ((Generation(number=0, factor=1), Generation(number=1, factor=2)),)


def test_a_second_scaling_forwards_from_each_generation_to_the_next_and_keeps_the_order():
    again = led(*COURSES[Phase.OPEN], *COURSES[Phase.OPEN], factor=3)
    assert [(a.factor, b.factor) for a, b in again.hops] == [(1, 3), (3, 9)]


def test_a_second_scaling_that_is_given_up_goes_on_as_after_the_first():
    opened = led(*COURSES[Phase.OPEN])
    given_up = opened.after(Step.PREPARE, 5, 3).after(Step.DRAIN, 5).after(Step.ABORT, 5)
    assert (given_up.phase, given_up.generations) == (Phase.OPEN, opened.generations)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(2, 4)), max_size=40))
def test_no_course_of_steps_leads_to_what_cannot_be(course):
    layout, numbers = first_layout("vigil"), {0}
    for choice, factor in course:
        steps = sorted(STEPS[layout.phase])
        if len(layout.generations) == GENERATIONS_MAX and Step.PREPARE in steps:
            steps.remove(Step.PREPARE)
        if not steps:
            break
        before, step = layout, steps[choice % len(steps)]
        layout = layout.after(step, 5, factor)
        assert Layout.model_validate_json(layout.model_dump_json()) == layout
        if step == Step.PREPARE:
            assert layout.generations[-1].number not in numbers  # also where it was given up before
            numbers.add(layout.generations[-1].number)
        # What is judged changes by the move alone, at which nobody judges.
        assert (layout.judged != before.judged) == (step == Step.MOVE)
        assert layout.judged.factor % before.judged.factor == 0
        assert all(a[1] == b[0] for a, b in pairwise(layout.hops))
        assert not layout.hops or layout.hops[-1][1] == layout.judged
        assert layout.generations.index(layout.written) <= layout.generations.index(layout.judged)


@pytest.mark.parametrize(
    ("phase", "generations", "last"),
    [
        ("settled", [(0, 1), (1, 2)], 1),
        ("open", [(0, 1)], 0),
        ("open", [(1, 1), (0, 2)], 1),
        ("open", [(0, 1), (2, 2)], 1),
        ("open", [(0, 2), (1, 3)], 1),
        ("open", [], 0),
    ],
)
def test_what_no_step_leads_to_is_no_layout(phase, generations, last):
    found = [{"number": number, "factor": factor} for number, factor in generations]
    with pytest.raises(ValidationError):
        Layout(group="v", number=1, phase=phase, generations=found, last_number=last, at_ts_ms=0)
