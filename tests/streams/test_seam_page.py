"""docs/design.md and the table of deviations: the page shows the table of today."""

from pathlib import Path

import pytest

from streams.lane.seam import DEVIATIONS
from streams.lane.seam_page import documented, section

ROOT = Path(__file__).parents[2]


def test_every_reference_upstream_is_a_link():
    assert "(https://github.com/robinhood/faust/issues/231)" in section()
    assert "[#221](https://github.com/faust-streaming/faust/issues/221)" in section()


def test_the_page_shows_the_table():
    page = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    assert documented(page) == page, "write it again: python -m streams.lane.seam_page"
    assert all(row.name in section() for row in DEVIATIONS)


def test_what_stands_around_the_table_on_the_page_stays():
    page = "# A\n\n<!-- table seam -->\nold\n<!-- end -->\n\nafter\n"
    assert documented(page) == f"# A\n\n<!-- table seam -->\n{section()}\n<!-- end -->\n\nafter\n"
    with pytest.raises(ValueError, match="no table"):
        documented("# A page without one\n")
