"""docs/design.md shows a partition's life as the code has it."""

from pathlib import Path

import pytest

from tables.partition_life import TRANSITIONS, Event, Life, name
from tables.partition_life_tables import diagram, table

TEXT = (Path(__file__).parents[2] / "docs" / "design.md").read_text(encoding="utf-8")
_, _, REST = TEXT.partition("<!-- A partition's life: generated -->\n")
SHOWN, END, _ = REST.partition("\n<!-- end of a partition's life -->")


@pytest.mark.parametrize("shown", [f"```mermaid\n{diagram()}\n```", table()], ids=["diagram", "table"])
def test_the_documentation_shows_what_the_code_says(shown):
    assert END
    assert shown in SHOWN


def test_every_way_from_one_state_to_another_is_drawn():
    drawn = diagram()
    for life, row in TRANSITIONS.items():
        for following in set(row.values()) - {life}:
            assert f"{life.name.lower()} --> {following.name.lower()}: " in drawn


def test_every_state_and_event_is_explained_in_the_text():
    for each in (*Life, *Event):
        assert f"`{name(each)}`" in TEXT
