"""Other rules begin at their mark: what is before it is judged, and nothing behind it, however the log is cut."""

from itertools import pairwise
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from agents.rules_turn import UNKNOWN_MS, RulesTurn
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.rules_marks import MARK_KEY, RulesMark
from streams.contracts.seals import DEVELOPMENT, Place
from streams.decoding.decoder import Decoder
from streams.lane.block import Block

NOW_MS = 1_780_000_000_000


def mark(number, group="vigil"):
    content = RulesMark(group=group, number=number).model_dump_json().encode()
    return MARK_KEY, DEVELOPMENT.seal(MARK_KEY, Place(0, number), content)


def log(marks, length=20, at_ms=NOW_MS):
    """Return a log of ticks with marks, given as offset: (number, group), among them."""
    return [
        SimpleNamespace(offset=offset, timestamp=at_ms + offset, key=key, value=value)
        for offset in range(length)
        for key, value in [
            mark(*marks[offset]) if offset in marks else (TICK_KEY, encode_tick(at_ms + offset * 1000))
        ]
    ]


def judged(turn, records, cuts, partition=0):
    """Return the offsets that are judged of a log that comes in blocks, and the last one that counts as done."""
    decoder, found, done = Decoder(), [], -1
    borders = sorted({0, *cuts, len(records)})
    for begin, end in pairwise(borders):
        stretch = records[begin:end]
        block = Block("readings", partition, stretch)
        kept, runs = turn.cut(decoder, [(block, stretch)], [decoder.decode(stretch)])
        for (block, own), run in zip(kept, runs, strict=True):
            found += [part.offset for part in run.parts]
            assert [record.offset for record in own] == [
                r.offset for r in stretch if r.offset <= block.offset
            ]
            done = block.offset
    return found, done


@given(st.integers(0, 19), st.sets(st.integers(1, 19)))
def test_what_is_before_the_mark_is_judged_and_nothing_behind_it(at, cuts):
    turn = RulesTurn("vigil", 3, NOW_MS)
    found, done = judged(turn, log({at: (4, "vigil")}), cuts)
    assert found == list(range(at))
    assert done == at - 1
    assert turn.met == {0: at}
    assert turn.has_met([0])
    assert not turn.has_met([0, 1])
    assert not turn.has_met([])


@given(st.sets(st.integers(1, 19)))
def test_marks_that_are_known_already_or_of_other_groups_are_passed(cuts):
    marks = {3: (3, "vigil"), 8: (9, "other"), 12: (1, "vigil")}
    found, done = judged(RulesTurn("vigil", 3, NOW_MS), log(marks), cuts)
    assert found == [offset for offset in range(20) if offset not in marks]
    assert done == 19


def test_a_mark_of_a_decision_that_is_lost_stops_nobody_for_ever():
    turn = RulesTurn("vigil", 3, NOW_MS + UNKNOWN_MS + 100)
    assert judged(turn, log({5: (4, "vigil")}), set())[1] == 19


def test_a_partition_that_comes_back_from_its_mark_on_is_not_judged_past_it_either():
    turn, records = RulesTurn("vigil", 3, NOW_MS), log({5: (4, "vigil")})
    judged(turn, records, set())
    assert judged(turn, records[5:], set())[0] == []
    assert judged(turn, records[2:], {4})[0] == [2, 3, 4]


def test_other_partitions_are_judged_up_to_their_own_marks():
    turn = RulesTurn("vigil", 3, NOW_MS)
    judged(turn, log({5: (4, "vigil")}), set())
    assert judged(turn, log({11: (4, "vigil")}), set(), partition=1)[0] == list(range(11))
    assert turn.has_met([0, 1])


def test_once_closed_nothing_more_is_judged():
    turn = RulesTurn("vigil", 3, NOW_MS, is_closed=True)
    assert judged(turn, log({}), set()) == ([], -1)
