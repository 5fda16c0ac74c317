"""Reference data as a CSV file: each row is checked, a wrong one is named, and nothing of such a file is taken."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.rules import AgeLimits, LimitRule
from edge.reference.csv_file import COLUMNS, FAULTS_MAX, take
from edge.reference.writing import changes_of
from streams.contracts.reference import BedFacts, FormularyLine, Reference, WardFacts

RULES = (
    LimitRule("hr-high", "hr", high=120, high_max=160, neonate=AgeLimits(high=200)),
    LimitRule("hr-high-extreme", "hr", high=140, high_max=170, priority="high"),
    LimitRule("spo2-low", "spo2", low=90, low_min=80),
    LimitRule("asystole", "asystole", high=0.5, priority="high"),
)


def text_of(*rows, columns=COLUMNS, delimiter=","):
    written = io.StringIO()
    out = csv.DictWriter(written, columns, delimiter=delimiter, restval="")
    out.writeheader()
    out.writerows(rows)
    return written.getvalue()


def taken(*rows, wards=(), **how):
    return take(text_of(*rows, **how).encode(), RULES, "clerk", "wards.csv", wards)


WARD = {"kind": "ward", "ward": "icu", "name": "Intensive care", "time_zone": "Europe/Vienna"}
BED = {"kind": "bed", "patient": "bed-7", "label": "ICU 7", "ward": "icu"}
LINE = {"kind": "limits", "ward": "icu", "age_band": "adult", "rule": "hr-high", "high": "130", "reason": "x"}


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_file_of_all_kinds_is_taken(delimiter):
    found = taken(WARD, BED, LINE, delimiter=delimiter)
    by = {"reporter": "clerk", "source": "wards.csv"}
    assert found.faults == ()
    assert found.facts == (
        WardFacts(ward="icu", name="Intensive care", time_zone="Europe/Vienna", **by),
        BedFacts(patient="bed-7", label="ICU 7", ward="icu", **by),
        FormularyLine(ward="icu", age_band="adult", rule="hr-high", high=130.0, reason="x", **by),
    )


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"kind": "wrad", "ward": "icu"}, "kind: 'wrad' is none of ward, bed, limits"),
        ({**WARD, "time_zone": "Vienna"}, "time_zone: 'Vienna' is no time zone such as Europe/Vienna"),
        ({**WARD, "unit_type": "cellar"}, "unit_type: Input should be 'general'"),
        ({**WARD, "ward": "no ward"}, "ward: String should match pattern"),
        ({**WARD, "label": "x"}, "label: a row of kind ward has none"),
        ({**BED, "ward": "er"}, "ward: 'er' is no ward that is known"),
        ({**LINE, "rule": "hr-hihg"}, "rule: 'hr-hihg' is no limit rule of the rules file"),
        ({**LINE, "high": "13O"}, "high: '13O' is no number"),
        ({**LINE, "high": "nan"}, "high: 'nan' is no number"),
        ({**LINE, "high": "161"}, "high: hr-high may be at most 160 for adult, got 161"),
        ({**LINE, "low": "30"}, "low: hr-high has no low limit"),
        ({**LINE, "high": ""}, "give low, high or both"),
        ({**LINE, "reason": ""}, "reason: Field required"),
        ({**LINE, "rule": "asystole"}, "rule: asystole is yes or no: there is no limit to set"),
        (
            {**LINE, "rule": "spo2-low", "low": "79", "high": ""},
            "low: spo2-low may be at least 80 for adult, got 79",
        ),
    ],
)
def test_a_wrong_row_is_named_with_its_line_and_nothing_is_taken(row, fault):
    found = taken(WARD, row) if row.get("kind") != "ward" else taken(BED | {"ward": ""}, row)
    assert found.facts == ()
    assert any(line.startswith(f"line 3: {fault}") for line in found.faults), found.faults


def test_limits_of_a_signal_that_do_not_fit_together_are_refused():
    found = taken(WARD, {**LINE, "high": "150"})
    assert (found.facts, len(found.faults)) == ((), 1)
    assert found.faults[0].startswith("limits of hr in ward icu for adult: ")
    assert (
        taken(WARD, {**LINE, "high": "150"}, {**LINE, "rule": "hr-high-extreme", "high": "160"}).faults == ()
    )


def test_what_a_row_says_again_is_refused():
    assert taken(WARD, WARD).faults == ("line 3: says again what line 2 says",)


def test_a_ward_that_is_known_without_the_file_may_be_named():
    assert taken(BED).faults == ("line 2: ward: 'icu' is no ward that is known",)
    assert taken(BED, wards=["icu"]).faults == ()


def test_a_wrong_header_is_told():
    assert taken(columns=("ward", "name")).faults[0].startswith("line 1: no column kind")
    assert taken(columns=("kind", "wrad")).faults == ("line 1: no such column: 'wrad'",)
    assert taken(columns=("kind", "ward", "ward")).faults == ("line 1: a column stands there twice",)


def test_of_many_faults_the_first_are_told_and_the_others_counted():
    found = taken(*[{"kind": "x"}] * (FAULTS_MAX + 7))
    assert len(found.faults) == FAULTS_MAX + 1
    assert found.faults[-1] == "and 7 more"


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_whatever_a_file_holds_is_facts_or_faults(content):
    found = take(content, RULES, "clerk", "wards.csv")
    assert not (found.facts and found.faults)


@given(st.lists(st.lists(st.text(max_size=8), max_size=14), max_size=5))
def test_whatever_cells_hold_is_facts_or_faults(rows):
    written = io.StringIO()
    csv.writer(written).writerows([COLUMNS, *rows])
    found = take(written.getvalue().encode(errors="replace"), RULES, "clerk", "wards.csv")
    assert not (found.facts and found.faults)


def test_an_import_writes_what_differs_and_deletes_what_it_says_no_longer():
    now = Reference().changed({fact.key: fact for fact in taken(WARD, BED, LINE).facts})
    by_hand = BedFacts(patient="bed-9", label="by hand", reporter="n")
    now = now.changed({by_hand.key: by_hand})
    changes = changes_of(now, taken({**WARD, "name": "ICU"}, BED).facts, "wards.csv")
    assert (changes.written, changes.deleted, changes.same) == (1, 1, 1)
    after = now.changed(changes.records)
    assert after.ward_name("icu") == "ICU"
    assert after.label("bed-9") == "by hand"
    assert after.formulary("icu", "adult") == ()
    assert changes_of(after, taken({**WARD, "name": "ICU"}, BED).facts, "wards.csv").records == {}
