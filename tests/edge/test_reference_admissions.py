"""What follows from an admission: who is given a ward's age band and limits, and how far the topic counts as read."""

from signing import signed

from edge.reference.admissions import WAIT_MS, Admissions
from edge.reference.wishes import wishes
from streams.contracts.command import Admit, Answer
from streams.contracts.patient_state import LimitPair, Limits
from streams.contracts.reference import FormularyLine, Reference, WardFacts

ADMIT = Admit(id="a1", patient="bed-1", actor="clerk", issued_ts_ms=1, ward="icu")


def reference(*facts):
    return Reference().changed({fact.key: fact for fact in facts})


def ward(age_band="child"):
    return WardFacts(ward="icu", age_band=age_band, reporter="r")


def line(rule="hr-high", band="child", **limits):
    return FormularyLine(ward="icu", age_band=band, rule=rule, reason="bundle", reporter="r", **limits)


def in_force(band="adult", known=False, own=(), ward="icu"):
    pairs = {rule: LimitPair(low=None, high=120.0, own=rule in own) for rule in ("hr-high", "resp-high")}
    return Limits(
        patient="bed-1",
        limits=pairs,
        age_band=band,
        age_known=known,
        spo2_scale2=False,
        expected_oxygen=None,
        ward=ward,
        since_ts_ms=5,
    )


def said(found):
    return [(wish.kind, wish.said.get("age_band") or wish.said.get("rule")) for wish in found]


def test_who_has_no_age_band_is_given_the_ward_s_and_then_its_limits():
    found = wishes(ADMIT, in_force(), reference(ward(), line(high=150.0), line(band="adult", high=130.0)))
    assert said(found) == [("set-profile", "child"), ("set-limits", "hr-high")]
    assert found[1].said["high"] == 150.0
    assert found[1].said["reason"] == "formulary of ward icu: bundle"


def test_an_age_band_that_somebody_has_said_stays_and_says_which_lines_count():
    found = wishes(ADMIT, in_force("adult", known=True), reference(ward(), line(high=150.0)))
    assert found == []
    found = wishes(ADMIT, in_force("child", known=True), reference(ward("neonate"), line(high=150.0)))
    assert said(found) == [("set-limits", "hr-high")]


def test_limits_that_somebody_has_set_for_the_patient_stay():
    lines = line("hr-high", high=150.0), line("resp-high", high=35.0)
    found = wishes(ADMIT, in_force("child", known=True, own={"hr-high"}), reference(ward(), *lines))
    assert said(found) == [("set-limits", "resp-high")]


def test_a_ward_that_says_nothing_leads_to_nothing():
    assert wishes(ADMIT, in_force(ward="er"), reference(ward(), line(high=150.0))) == []
    assert wishes(ADMIT, in_force(), reference()) == []


def test_the_orders_of_one_admission_have_the_same_ids_again_and_those_of_another_others():
    known = reference(ward(), line(high=150.0))
    first, again = wishes(ADMIT, in_force(), known), wishes(ADMIT, in_force(), known)
    other = wishes(ADMIT.model_copy(update={"id": "a2"}), in_force(), known)
    assert [wish.id for wish in first] == [wish.id for wish in again]
    assert not {wish.id for wish in first} & {wish.id for wish in other}
    assert len({wish.id for wish in first}) == len(first)


def order(id_="a1", kind="admit"):
    value = {"kind": kind, "id": id_, "patient": "bed-1", "actor": "clerk", "issued_ts_ms": 1, "ward": "icu"}
    return signed(value)


def answer(id_="a1", outcome="accepted", at_ms=9):
    said = {"patient": "bed-1", "command": "admit", "outcome": outcome, "reason": "because", "offset": 3}
    return Answer(id=id_, append_ts_ms=at_ms, **said).model_dump_json().encode()


def test_an_admission_counts_when_it_was_accepted_and_is_read_again_until_it_is_done_with():
    log = Admissions(0)
    log.take(5, order(), 1, "ref-")
    assert (list(log.pending), log.done) == ([], 5)
    log.take(6, answer(), 2, "ref-")
    assert [(one.order.id, one.accepted_ms) for one in log.pending] == [("a1", 9)]
    assert log.done == 5
    log.pending.clear()
    assert log.done == 7


def test_what_was_refused_or_is_no_admission_waits_for_nothing():
    log = Admissions(0)
    log.take(0, order(), 1, "ref-")
    log.take(1, answer(outcome="refused"), 1, "ref-")
    log.take(2, b"no order", 1, "ref-")
    log.take(3, None, 1, "ref-")
    assert not log.pending
    log.take(4, order("a2", "transfer"), 1 + WAIT_MS, "ref-")
    log.take(5, order("a3"), 2 + WAIT_MS, "ref-")
    assert log.done == 5  # a1 waited long enough, a transfer is none


def test_a_refusal_of_an_order_of_ours_is_told_and_one_of_another_s_is_not():
    log = Admissions(0)
    assert log.take(0, answer("ref-1", "refused"), 1, "ref-").reason == "because"
    assert log.take(1, answer("c-1", "refused"), 1, "ref-") is None
    assert log.take(2, answer("ref-2"), 1, "ref-") is None
