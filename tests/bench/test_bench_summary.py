"""README.md and docs/performance.md show the table of bench/report.json; bench/experiments.md is a whole table."""

import copy
import json
from pathlib import Path

import pytest

from bench.suite.summary import main, refresh, summary
from streams.errors import UsageError

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/performance.md")
REPORT = json.loads((ROOT / "bench" / "report.json").read_text(encoding="utf-8"))
AGAIN = f"run `python -m bench.suite.summary bench/report.json {' '.join(PAGES)}`"


def row_of(report, title):
    return next(line for line in summary(report).splitlines() if line.startswith(f"| {title}"))


def changed(system, **figures):
    report = copy.deepcopy(REPORT)
    report["systems"][system] |= figures
    return report


def test_the_pages_show_what_the_report_holds():
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert refresh(text, REPORT) == text, AGAIN


def test_a_system_that_was_not_drained_has_no_row():
    assert "| Flink" in summary(REPORT)
    assert "| Flink" not in summary(changed("flink", drain=None))


def test_a_base_that_a_system_does_not_sustain_is_said():
    burst = {"repeats": 0, "void": 0, "keeps_up": False, "p99_ms": None, "p999_ms": None, "missed": None}
    report = changed("faust", burst={"low": burst, "high": None})
    assert row_of(report, "plain Faust").endswith("| not sustained | not sustained | - | - |")


def test_what_never_came_is_infinite_and_what_took_long_is_in_seconds():
    burst = REPORT["systems"]["vigil"]["burst"]["low"] | {"p99_ms": 12_340.0, "p999_ms": None, "missed": 3}
    report = changed("quix", burst={"low": burst, "high": None})
    assert row_of(report, "Quix Streams").endswith("| 12.3 s | ∞ | - | 3 |")


def test_only_what_stands_between_the_marks_is_written_anew(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- report -->\nold\n<!-- /report -->\nafter\n")
    assert main([str(ROOT / "bench" / "report.json"), str(page)]) == 0
    text = page.read_text()
    assert text == f"before\n<!-- report -->\n{summary(REPORT)}\n<!-- /report -->\nafter\n"
    assert refresh(text, REPORT) == text
    with pytest.raises(UsageError, match="no place"):
        refresh("no marks", REPORT)
    assert main([]) == 2
    assert "REPORT.json PAGE.md" in capsys.readouterr().err


def test_every_experiment_has_all_its_cells_and_they_are_in_the_order_of_their_days():
    text = (ROOT / "bench" / "experiments.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line[1:-1].split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    head, *rest = rows
    assert head == ["date", "commit", "idea", "n", "before", "after", "kept"]
    assert {len(row) for row in rest} == {7}
    days = [row[0] for row in rest]
    assert days == sorted(days)
    for row in rest:
        assert row[2]
        assert row[6].startswith(("yes", "no", "finding")), row
