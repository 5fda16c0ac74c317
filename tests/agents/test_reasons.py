"""The reasons in the documentation are those of the code, each of one kind."""

import re
from pathlib import Path

import pytest

from agents.judging.reasons import ENDED, NOT_ALARMED, NOT_JUDGED, PASSED_OVER, Reason

TEXT = (Path(__file__).parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
COUNTED = {
    "frame": ("`vigil_frames_not_judged_total`", NOT_JUDGED),
    "condition": ("`vigil_conditions_not_alarmed_total`", NOT_ALARMED),
    "command": ("-", PASSED_OVER),
    "alarm": ("-", ENDED),
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


def test_every_reason_is_of_one_kind():
    kinds = [*NOT_JUDGED, *NOT_ALARMED, *PASSED_OVER, *ENDED]
    assert sorted(kinds) == sorted(Reason)
