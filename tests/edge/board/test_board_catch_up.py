"""A page that comes back: what has changed since its position, whichever board it was at and whenever that looked."""

import pytest
from board_world import patient_of

from bench.board.viewer_model import ViewerModel
from edge.board.audience import Audience
from edge.board.board_follower import Batch, Heard, has_gap
from edge.board.live import Live
from edge.board.position import Log
from edge.board.record_intake import Intake

OWN = Log("patients", 0)
SEEN = (Audience(None), Audience(frozenset({"a"})))


class Board:
    """A board that has begun with one patient of ward b."""

    def __init__(self):
        self.live = Live(1)
        self.intake = Intake(self.live)
        self.read(0, "b", patient="bed-0")
        self.live.begin()

    def read(self, offset, ward, patient="bed-1"):
        """Take a record that names a ward, None = the patient is gone."""
        said = ward and patient_of(patient, ward=ward, judged_ms=offset, seen_ms=offset)
        lacking = {OWN: offset + 1} if has_gap(self.live.read.get(OWN, 0), [offset]) else {}
        self.intake.take(Batch({OWN: [Heard(offset, patient, said, offset)]}, {OWN: offset + 1}, lacking))

    def join(self, page, audience):
        """Have a page come, with what it knows; return whether it was told the changes alone."""
        self.live.look()
        said = self.live.catch_up(audience, page.position, 0) if page.position else None
        page.take(said if said is not None else self.live.snapshot(audience, 0))
        return said is not None


def moved(audience, wards, page_after):
    """Play records that name these wards; a page sees one board after so many of them, then another after all."""
    one, other, page = Board(), Board(), ViewerModel()
    for offset, ward in enumerate(wards[:page_after], 1):
        one.read(offset, ward)
    one.join(page, audience)
    for offset, ward in enumerate(wards, 1):
        other.read(offset, ward)
    return other.join(page, audience), page.beds


@pytest.mark.parametrize("audience", SEEN, ids=["everything", "ward a"])
@pytest.mark.parametrize("wards", [("a", None), ("b", "a", None)])
def test_who_came_and_went_between_two_looks_of_the_other_board_is_gone(audience, wards):
    was_caught_up, beds = moved(audience, wards, len(wards) - 1)
    assert was_caught_up
    assert "bed-1" not in beds


def test_who_was_in_the_pages_ward_between_two_looks_of_the_other_board_is_gone():
    was_caught_up, beds = moved(Audience(frozenset({"a"})), ("b", "a", "b"), 2)
    assert was_caught_up
    assert beds == {}


def test_of_patients_of_other_wards_a_page_hears_nothing():
    board, page, audience = Board(), ViewerModel(), Audience(frozenset({"a"}))
    board.join(page, audience)
    board.read(1, "b")
    board.read(2, None)
    board.live.look()
    assert b"bed-" not in board.live.catch_up(audience, page.position, 0)


def test_where_records_were_compacted_away_a_page_from_before_gets_the_whole_state():
    one, other, page = Board(), Board(), ViewerModel()
    one.read(1, "a")
    one.join(page, SEEN[1])
    other.read(2, "b")  # the first was gone when it came to read it
    assert not other.join(page, SEEN[1])
    assert page.beds == {}


def test_who_left_the_pages_ward_before_its_position_is_named_to_it_no_more():
    board, page, audience = Board(), ViewerModel(), Audience(frozenset({"a"}))
    for offset, ward in enumerate(("a", "b"), 1):
        board.read(offset, ward)
    board.join(page, audience)
    board.read(3, "b")
    board.live.look()
    assert b"bed-" not in board.live.catch_up(audience, page.position, 0)


def test_who_may_view_otherwise_by_now_gets_the_whole_state():
    board, page = Board(), ViewerModel()
    board.join(page, Audience(frozenset({"a", "b"})))
    assert set(page.beds) == {"bed-0"}
    assert not board.join(page, Audience(frozenset({"a"})))
    assert page.beds == {}
    assert not board.join(page, Audience(None))
    assert set(page.beds) == {"bed-0"}


def test_who_comes_back_while_another_is_forgotten_is_shown(monkeypatch):
    monkeypatch.setattr("edge.board.live.GONE_KEPT_MAX", 1)
    board = Board()
    for offset, patient in enumerate(("bed-8", "bed-9"), 1):
        board.read(offset, "a", patient)
    board.live.look()
    board.read(3, None, "bed-9")
    board.live.look()
    board.read(4, None, "bed-8")
    board.read(5, "a", "bed-9")
    board.live.look()
    assert "bed-9" in board.live.shown


def test_records_that_were_gone_before_all_was_read_count_too():
    live, page = Live(1), ViewerModel()
    intake = Intake(live)
    one = Board()
    one.read(1, "a")
    one.join(page, SEEN[1])
    intake.take(Batch({OWN: [Heard(0, "bed-0", patient_of("bed-0", ward="b"), 0)]}, {OWN: 1}))
    intake.take(Batch({}, {OWN: 2}, {OWN: 3}))  # the first of bed-1 was compacted away
    live.begin()
    said = patient_of("bed-1", ward="b", judged_ms=2)
    intake.take(Batch({OWN: [Heard(2, "bed-1", said, 2)]}, {OWN: 3}))
    live.look()
    assert live.catch_up(SEEN[1], page.position, 0) is None
