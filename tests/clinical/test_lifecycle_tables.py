"""docs/alarms.md shows the life of an alarm as the code has it."""

from pathlib import Path

import pytest

from clinical.lifecycle import TRANSITIONS, Event, Phase, State
from clinical.lifecycle_tables import diagram, table

TEXT = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("shown", [f"```mermaid\n{diagram()}\n```", table()], ids=["diagram", "table"])
def test_the_documentation_shows_what_the_code_says(shown):
    assert shown in TEXT


def test_every_state_and_every_transition_that_is_told_is_drawn():
    drawn = diagram()
    for state, row in TRANSITIONS.items():
        assert state.name.lower() in drawn
        for following, phase in row.values():
            if phase != Phase.NONE:
                assert f"{state.name.lower()} --> {following.name.lower()}" in drawn


def test_every_state_and_event_is_explained_in_the_text():
    for name in (*State, *Event):
        assert f"`{name.name.lower()}`" in TEXT
