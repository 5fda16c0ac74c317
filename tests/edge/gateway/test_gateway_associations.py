"""Who is on which device: what reports, placements and ADT come to, in whatever order they were told."""

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.associations import BOUND_MS, Hospital
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing, renamed
from edge.gateway.forgetting import forgotten
from streams.contracts.association import KEPT_MS, Association, Heard, Movement, Placement, Visit, VisitStay

MINUTE_MS = 60_000
NOON_MS = 1_700_000_000_000


def at(minutes):
    return NOON_MS + round(minutes * MINUTE_MS)


class Desk:
    """Takes reports; times in minutes after noon."""

    def __init__(self, bound_ms=BOUND_MS):
        self.filing = Filing(Facts(bound_ms))
        self.told = []
        self.number = 0

    def take(self, fact, append_min=None):
        self.told.append(fact)
        append_ms = at(10**4) if append_min is None else at(append_min)
        return self.filing.apply(fact.key, fact, append_ms)

    def report(self, patient, start, end=None, device="mon", name=None, validated=True):
        self.number += 1
        said = {"id": name or f"r{self.number}", "device": device, "patient": patient, "reporter": "nurse"}
        until_ms = None if end is None else at(end)
        fact = Association(
            **said, from_ts_ms=at(start), until_ts_ms=until_ms, source="pcim", validated=validated
        )
        return self.take(fact)

    def place(self, bed, start=-100, device="mon"):
        self.number += 1
        said = {"id": f"pl{self.number}", "device": device, "place": bed, "reporter": "plan"}
        return self.take(Placement(**said, from_ts_ms=at(start)))

    def adt(self, what, minute, patient, place=None, append_min=None, **more):
        self.number += 1
        said = {"id": str(self.number), "what": what, "patient": patient, "place": place, "reporter": "adt"}
        return self.take(Movement(**said, event_ts_ms=at(minute), **more), append_min)

    def hear(self, minute):
        self.take(Heard(reporter="adt", event_ts_ms=at(minute)))

    def course(self, *minutes, device="mon", named=""):
        """Return whom the device is on at these minutes, `-` for nobody."""
        own = f"~device/{device}"
        found = [self.filing.patient_at(device, at(minute), named) for minute in minutes]
        return " ".join("-" if patient == own else patient for patient in found)


@pytest.fixture
def desk():
    return Desk()


def test_a_device_of_which_nothing_is_known_is_on_whom_its_sender_names_or_on_nobody(desk):
    assert desk.course(0) == "-"
    assert desk.course(0, named="n") == "n"


def test_an_interval_holds_its_beginning_and_not_its_end(desk):
    desk.report("a", 10, 20)
    assert desk.course(9.9, 10, 19.9, 20) == "- a a -"


def test_the_sender_s_word_counts_only_before_anything_is_known(desk):
    desk.report("a", 10, 20)
    assert desk.course(9, 15, 25, named="n") == "n a -"


def test_the_same_report_again_with_an_end_ends_it(desk):
    desk.report("a", 10, name="r")
    assert desk.course(10, 30) == "a a"
    assert desk.report("a", 10, 20, name="r") == ({"mon"}, False)
    assert desk.course(10, 30) == "a -"


def test_who_is_confirmed_stands_above_who_is_not(desk):
    desk.report("b", 0, 60, validated=False)
    desk.report("a", 10, 20)
    assert desk.course(5, 15, 25) == "b a b"


def test_two_confirmed_patients_of_one_time_are_nobody_until_one_is_taken_back(desk):
    desk.report("a", 0, 30, name="ra")
    desk.report("b", 20, 60)
    assert desk.course(10, 25, 40) == "a - b"
    (contested,) = [span for span in desk.filing.facts.spans("mon") if span.contested]
    assert contested.contested == ("a", "b")
    desk.report("a", 0, 20, name="ra")
    assert desk.course(10, 25, 40) == "a b b"


def test_a_device_at_a_bed_is_on_the_patient_who_is_in_it(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("discharge", 30, "a")
    desk.adt("admit", 40, "b", "w/1")
    assert desk.course(-1, 0, 29, 30, 40) == "- a a - b"


def test_beds_are_swapped_though_for_a_moment_both_are_in_one(desk):
    desk.place("w/1", device="m1")
    desk.place("w/2", device="m2")
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("admit", 0, "b", "w/2")
    desk.adt("transfer", 10, "a", "w/2", prior_place="w/1")
    assert desk.course(9, 10, device="m2") == "b -"
    assert desk.course(10, device="m1") == "-"
    desk.adt("transfer", 10, "b", "w/1", prior_place="w/2")
    assert (desk.course(9, 10, device="m1"), desk.course(9, 10, device="m2")) == ("a b", "b a")


def test_a_late_discharge_gives_the_bed_to_who_came_after(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("admit", 20, "b", "w/1")
    assert desk.course(10, 20) == "a -"
    desk.adt("discharge", 15, "a")
    assert desk.course(10, 17, 20) == "a - b"


def test_a_cancelled_transfer_never_happened(desk):
    desk.place("w/1", device="m1")
    desk.place("w/2", device="m2")
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("transfer", 10, "a", "w/2", prior_place="w/1")
    desk.adt("cancel-transfer", 20, "a", "w/1", prior_place="w/2")
    assert (desk.course(5, 15, 25, device="m1"), desk.course(15, device="m2")) == ("a a a", "-")


def test_a_cancelled_discharge_never_happened(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("discharge", 10, "a")
    desk.adt("cancel-discharge", 20, "a", "w/1")
    assert desk.course(5, 15, 25) == "a a a"


def test_a_merged_patient_s_bed_is_the_other_s_from_then_on(desk):
    desk.place("w/1")
    desk.adt("merge", 10, "b", prior_patient="a")
    assert desk.course(5, 15) == "- -"
    desk.adt("admit", 0, "a", "w/1")  # told late
    assert desk.course(5, 15) == "a b"


def test_two_patients_merged_into_each_other_are_no_loop(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("merge", 10, "b", prior_patient="a")
    desk.adt("merge", 20, "a", prior_patient="b")
    assert desk.course(5, 15) == "a b"


def test_an_update_says_where_somebody_is_but_not_of_who_has_left(desk):
    desk.place("w/1", device="m1")
    desk.place("w/2", device="m2")
    desk.adt("update", 0, "a", "w/1")
    desk.adt("update", 10, "a", "w/2")
    desk.adt("discharge", 20, "a")
    desk.adt("update", 30, "a", "w/2")
    assert (desk.course(5, 15, device="m1"), desk.course(15, 25, 35, device="m2")) == ("a -", "a - -")


def test_a_device_that_was_moved_is_on_who_is_in_its_new_bed(desk):
    desk.place("w/1")
    desk.place("w/2", start=10)
    desk.place(None, start=20)
    desk.adt("admit", 0, "a", "w/1")
    desk.adt("admit", 0, "b", "w/2")
    assert desk.course(5, 15, 25) == "a b -"


def test_what_adt_says_is_believed_up_to_its_bound_and_no_further(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    assert desk.course(15, 16) == "a -"
    desk.hear(60)
    assert desk.course(16, 75, 76) == "a a -"


def test_in_an_outage_of_two_hours_a_swap_files_nobody_s_readings_under_another(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    believed = [minute for minute in range(120) if desk.course(minute) == "a"]
    assert believed == list(range(16))
    desk.adt("discharge", 5, "a", append_min=120)
    desk.adt("admit", 6, "b", "w/1", append_min=120)
    desk.hear(120)
    assert desk.course(4, 5, 6, 100) == "a - b b"


def test_a_message_from_the_future_does_not_make_adt_believed_longer(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1", append_min=0)
    desk.adt("update", 600, "z", "w/9", append_min=1)
    assert desk.course(16, 17) == "a -"


def test_what_is_reported_hangs_on_no_adt(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    desk.report("a", 0, validated=False)
    assert desk.course(500) == "a"


def test_an_unconfirmed_report_against_adt_is_nobody(desk):
    desk.place("w/1")
    desk.adt("admit", 0, "a", "w/1")
    desk.report("b", 5, 10, validated=False)
    assert desk.course(4, 7, 12) == "a - a"


seeds = st.integers(0, 2**32 - 1)


def history(seed):
    hospital = Hospital(random.Random(seed), beds=4, hours=3.0)
    told = [(told.fact, told.at_ms) for told in hospital.live()]
    return sorted([*told, *visits(hospital)], key=lambda one: one[1])


@pytest.mark.parametrize("first", ["adt", "fhir"])
def test_of_two_senders_who_say_the_same_one_that_falls_silent_takes_no_patient_away(desk, first):
    desk.place("bed-1")
    begins = {"adt": 0, "fhir": 0, first: -10}
    desk.adt("admit", begins["adt"], "p", "bed-1")

    def visit(minute):
        stays = (VisitStay(place="bed-1", from_ts_ms=at(begins["fhir"]), until_ts_ms=None),)
        said = {"id": "v", "patient": "p", "reporter": "fhir", "stays": stays}
        desk.take(Visit(**said, event_ts_ms=at(minute)))

    visit(0)
    bound = BOUND_MS // MINUTE_MS
    assert desk.course(-1, 1, bound, bound + 1) == "p p p -"
    visit(bound)
    assert desk.course(-1, 1, bound + 1, 2 * bound, 2 * bound + 1) == "p p p p -"
    desk.hear(2 * bound)
    assert desk.course(2 * bound + 1, 3 * bound + 1) == "p -"


def visits(hospital, number=6, versions_max=4):
    """Yield versions of visits to the same beds: somebody comes, moves, leaves, or never was there."""
    chance = hospital.rng
    for visit in range(number):
        begins_ms = NOON_MS + chance.randrange(3 * 3_600_000)
        for version in range(chance.randint(1, versions_max)):
            ends = sorted(begins_ms + chance.randrange(1, 7_200_000) for _ in range(chance.randint(0, 3)))
            spans = list(pairwise([begins_ms, *ends, *([None] if ends and chance.random() < 0.5 else [])]))
            stays = [
                VisitStay(place=f"bed-{chance.randrange(4)}", from_ts_ms=a, until_ts_ms=b)
                for a, b in spans
                if a != b
            ]
            said = {"id": f"{visit}", "patient": f"e-{chance.randrange(4)}", "reporter": "adt"}
            yield Visit(**said, stays=tuple(stays), event_ts_ms=None), begins_ms + version * 900_000


def view_of(facts):
    return {device: facts.spans(device) for device in facts.devices()}, facts.heard_ms


@settings(max_examples=60, deadline=None)
@given(seed=seeds, again=seeds)
def test_the_order_in_which_it_was_told_changes_nothing_nor_does_compaction(seed, again):
    told = history(seed)
    newest = {fact.key: (fact, at_ms) for fact, at_ms in told}
    in_order, shuffled = Facts(BOUND_MS), Facts(BOUND_MS)
    for fact, at_ms in told:
        in_order.apply(fact.key, fact, at_ms)
    compacted = list(newest.values())
    random.Random(again).shuffle(compacted)
    for fact, at_ms in compacted:
        shuffled.apply(fact.key, fact, at_ms)
    assert view_of(in_order) == view_of(shuffled)


@settings(max_examples=30, deadline=None)
@given(seed=seeds)
def test_what_was_only_supposed_leaves_nothing_behind(seed):
    """Told for a moment and taken back, each in turn: as if nobody had said it."""
    facts, told = Facts(BOUND_MS), history(seed)
    for i, (fact, at_ms) in enumerate(told):
        if i % 7 == 0:
            before = view_of(facts)
            with facts.supposing(told[-1 - i][0], at_ms):
                facts.devices()
            assert view_of(facts) == before
        facts.apply(fact.key, fact, at_ms)


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_who_is_told_of_a_change_is_every_device_that_it_concerns(seed):
    """The view that remembers its answers says what one that works all out anew says."""
    remembering, told = Filing(Facts(BOUND_MS)), history(seed)
    for i, (fact, at_ms) in enumerate(told):
        remembering.apply(fact.key, fact, at_ms)
        if i % 29 and i != len(told) - 1:
            continue
        anew = Filing(Facts(BOUND_MS))
        for other, other_ms in told[: i + 1]:
            anew.apply(other.key, other, other_ms)
        for device in anew.facts.devices():
            for ms in range(at_ms - 3_600_000, at_ms + 1_200_000, 600_000):
                assert remembering.patient_at(device, ms) == anew.patient_at(device, ms)


@settings(max_examples=40, deadline=None)
@given(seed=seeds, days=st.floats(0, 20))
def test_what_is_forgotten_changes_nothing_of_the_days_that_count(seed, days):
    told, facts, left = history(seed), Facts(BOUND_MS), Facts(BOUND_MS)
    for fact, at_ms in told:
        facts.apply(fact.key, fact, at_ms)
        left.apply(fact.key, fact, at_ms)
    now_ms = told[-1][1] + round((days - 10) * 86_400_000 / 10) + KEPT_MS
    for key in forgotten(facts, now_ms):
        left.apply(key, None, now_ms)
    for device in facts.devices():
        before = [
            (max(a, now_ms - KEPT_MS), b, p) for a, b, p in facts.streams_of(device) if b > now_ms - KEPT_MS
        ]
        after = [
            (max(a, now_ms - KEPT_MS), b, p) for a, b, p in left.streams_of(device) if b > now_ms - KEPT_MS
        ]
        assert [span for span in before if span[2]] == [span for span in after if span[2]]


@pytest.mark.parametrize(("days_gone", "forgets"), [(9, False), (40, True)])
def test_a_discharge_is_remembered_for_as_long_as_updates_of_who_has_left_may_come(days_gone, forgets):
    desk = Desk()
    desk.place("icu:1")
    desk.adt("admit", 0, "p1", "icu:1")
    desk.adt("discharge", 60, "p1")
    gone = forgotten(desk.filing.facts, at(60) + days_gone * 86_400_000)
    kept = [fact.what for fact in desk.told if isinstance(fact, Movement) and fact.key not in gone]
    assert kept == ([] if forgets else ["discharge"])
    for key in gone:
        desk.filing.apply(key, None, at(10**4))
    desk.adt("admit", 100, "p2", "icu:1")
    if not forgets:
        desk.adt("update", 200, "p1", "icu:1")
    desk.hear(300)
    assert desk.filing.patient_at("mon", at(300), "") == "p2"


def test_a_frame_under_another_patient_is_else_byte_for_byte_what_it_was():
    value = b'{"patient": "a", "device":"mon", "hr":72.50, "spo2": null, "temp":36.6e0}'
    assert renamed(value, "b") == value.replace(b'"a"', b'"b"')
    copy = renamed(value + b" ", "b", refiled=True)
    assert copy == value.replace(b'"a"', b'"b"')[:-1] + b',"refiled":true}'
    again = renamed(copy, "c", refiled=True)
    assert again == b'{"patient":"c","device":"mon","hr":72.50,"spo2":null,"temp":36.6e0,"refiled":true}'


@pytest.mark.parametrize(
    "value",
    [
        b'{"patient":"a","device":"mon","patient":"z"}',
        b'{"device":"mon","patient":"a"}',
        rb'{"patient":"a","\u0070atient":"z"}',
        b'{"patient":"a","hr":1,"refiled":false}',
        b' { "patient" : "a" } ',
    ],
)
def test_however_a_frame_is_written_its_last_word_on_the_patient_is_the_new_one(value):
    found = renamed(value, "b")
    assert json.loads(found)["patient"] == "b"
    assert json.loads(renamed(value, "b", refiled=True)) == {**json.loads(found), "refiled": True}
