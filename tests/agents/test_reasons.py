"""The reasons in the documentation are those of the code, each of one kind."""

import re
from pathlib import Path

import pytest

from agents.judging.reasons import NOT_ALARMED, NOT_JUDGED, Reason

TEXT = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
COUNTED = {
    "frame": ("`vigil_frames_not_judged_total`", NOT_JUDGED),
    "condition": ("`vigil_conditions_not_alarmed_total`", NOT_ALARMED),
}


def test_the_documentation_has_every_reason_in_the_order_of_the_code():
    rows = re.findall(r"^\| (?:frame|condition|command|alarm) \| `([a-z-]+)` \|", TEXT, flags=re.MULTILINE)
    assert rows == list(Reason)


@pytest.mark.parametrize("kind", COUNTED)
def test_a_kind_of_reasons_is_documented_with_the_metric_that_counts_it(kind):
    metric, reasons = COUNTED[kind]
    rows = re.findall(rf"^\| {kind} \| `([a-z-]+)` \| (\S+) \|", TEXT, flags=re.MULTILINE)
    assert {reason for reason, _ in rows} == set(reasons)
    assert {counted for _, counted in rows} == {metric}


def test_a_reason_is_counted_by_one_metric_at_most():
    assert not set(NOT_JUDGED) & set(NOT_ALARMED)
