"""docs/evidence.md: its tables are those that the generator writes, and one command refreshes them."""

import json
from pathlib import Path

import pytest

from edge.evaluation.evidence_tables import BLOCK, TABLES, head_of, main, refresh, table_of
from streams.errors import UsageError

PAGE = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text(encoding="utf-8")
COUNTS = {"alarms": 4, "per_patient_hour": 2.0, "median_duration_s": 11.0, "brief_share": 0.5}
LOAD = {"all": COUNTS, "by_priority": {"high": {"alarms": 1}}, "by_type": {}, "worst_share": 0.5}
RULE = {"alarms": 4, "brief_share": 0.5, "median_latency_s": 0.0, "max_latency_s": 0.0}
GLANCE = {
    "load_reduction": 0.75,
    **{f"high_{name}": 1 for name in ("alarms", "missing", "late", "brief")},
    **dict.fromkeys(("true_alarms", "true_alarms_lost", "collapses", "collapses_unreported"), None),
    "news2_hours": 1200,
    "news2_hours_wrong": 0,
}
REPORT = {
    "rules": "classic",
    "against": "vigil",
    "datasets": [
        {
            "name": "bidmc",
            "recordings": 32,
            "patient_hours": 4.3,
            "reduction": 0.75,
            "glance": GLANCE,
            "loads": {"classic": LOAD, "vigil": LOAD},
            "by_rule": [
                {
                    "rule": "resp-low",
                    "classic": {**RULE, "delay_s": 0.0},
                    "vigil": {**RULE, "delay_s": 15.0, "max_latency_s": 15.0},
                    "reduction": 0.75,
                    "removed": 3,
                }
            ],
            "removed": [{"priority": "high", "violated_s": 8.0}, {"priority": "low", "violated_s": None}],
            "restarts": [],
            "missing": [],
            "labels": None,
            "news2": None,
        }
    ],
}


def blocks():
    return {match[2]: match[0].splitlines()[2:-2] for match in BLOCK.finditer(PAGE)}


def test_the_page_has_every_table_once_and_no_other():
    assert sorted(match[2] for match in BLOCK.finditer(PAGE)) == sorted(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_has_the_form_that_the_generator_writes(name):
    lines = blocks()[name]
    assert lines[:2] == head_of(name)
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert len(lines) > 2


def test_a_table_is_made_of_the_reports_figures():
    assert table_of("load", REPORT).splitlines()[2] == (
        "| bidmc | 32 | 4.3 | 4 to 4 | **-75 %** | 2 to 2 | 11 s to 11 s | 50 % | 50 % to 50 % |"
    )
    assert (
        table_of("glance", REPORT).splitlines()[2] == "| bidmc | -75 % | 1 | 1 | 1 | 1 | - | - | 0 of 1,200 |"
    )
    assert table_of("rules-bidmc", REPORT).splitlines()[2] == (
        "| resp-low | 0 to 15 s | 4 to 4 | -75 % | 50 % | 0 s to 0 s | 15 s | 3 |"
    )
    assert table_of("left-out", REPORT).splitlines()[2:] == ["| bidmc | 2 | 1 | 8 s |"]


def test_refreshing_replaces_what_stands_between_the_marks_and_nothing_else(tmp_path, capsys):
    page, report = tmp_path / "page.md", tmp_path / "report.json"
    page.write_text("before\n\n<!-- table left-out -->\nold\n<!-- end -->\n\nafter\n")
    report.write_text(json.dumps(REPORT))
    assert main([str(report), str(page)]) == 0
    once = page.read_text()
    assert (
        once
        == f"before\n\n<!-- table left-out -->\n\n{table_of('left-out', REPORT)}\n<!-- end -->\n\nafter\n"
    )
    assert refresh(once, REPORT) == once
    with pytest.raises(UsageError, match="no table 'nothing'"):
        refresh("<!-- table nothing -->\n<!-- end -->", REPORT)
    assert main([str(report)]) == 2
    assert "REPORT.json PAGE.md" in capsys.readouterr().err
