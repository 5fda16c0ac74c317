"""The tables of docs/evidence.md from a report: `python -m edge.evaluation.evidence_tables REPORT docs/evidence.md`.

A table stands between `<!-- table NAME -->` and `<!-- end -->`; what stands there is replaced, the prose is
left as it is.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edge.evaluation.text import number, percent, seconds
from edge.printing import say
from streams.errors import UsageError, VigilError

Report = Mapping[str, Any]
Rows = list[list[str]]

BLOCK: Final = re.compile(r"(<!-- table ([a-z0-9-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
RULES: Final = "rules-"
"""Begins the name of a dataset's table by rule."""


def _load(report: Report) -> Rows:
    rows = []
    for one in report["datasets"]:
        (_, before), (_, after) = _loads(report, one)
        first, second = before["all"], after["all"]
        rows.append(
            [
                one["name"],
                number(one["recordings"]),
                f"{one['patient_hours']:,.1f}",
                _to(number(first["alarms"]), number(second["alarms"])),
                f"**{_change(one['reduction'])}**",
                _to(*(f"{own['per_patient_hour']:.3g}" for own in (first, second))),
                _to(*(seconds(own["median_duration_s"]) for own in (first, second))),
                percent(first["brief_share"]),
                _to(percent(before["worst_share"]), percent(after["worst_share"]))
                if one["recordings"] > 1
                else "-",
            ]
        )
    return rows


def _priorities(report: Report) -> Rows:
    kinds = [("by_priority", "high"), ("by_priority", "medium"), ("by_priority", "low")]
    kinds += [("by_type", "physiological"), ("by_type", "technical")]
    return [
        [
            one["name"],
            *(
                _to(*(number(load[by].get(kind, {"alarms": 0})["alarms"]) for _, load in _loads(report, one)))
                for by, kind in kinds
            ),
        ]
        for one in report["datasets"]
    ]


def _glance(report: Report) -> Rows:
    rows = []
    for one in report["datasets"]:
        own = one["glance"]
        rows.append(
            [
                one["name"],
                _change(own["load_reduction"]),
                *(number(own[f"high_{name}"]) for name in ("alarms", "missing", "late", "brief")),
                _of(own["true_alarms_lost"], own["true_alarms"]),
                _of(own["collapses_unreported"], own["collapses"]),
                _of(own["news2_hours_wrong"], own["news2_hours"]),
            ]
        )
    return rows


def _rules(name: str) -> Callable[[Report], Rows]:
    def rows(report: Report) -> Rows:
        (dataset,) = [one for one in report["datasets"] if one["name"] == name] or [{"by_rule": []}]
        return [_rule(report, line) for line in dataset["by_rule"]]

    return rows


def _rule(report: Report, line: Mapping[str, Any]) -> list[str]:
    first, second = (line[report[which]] for which in ("rules", "against"))
    delays = ["off" if own["delay_s"] is None else f"{own['delay_s']:g}" for own in (first, second)]
    return [
        line["rule"],
        (delays[0] if delays[0] == delays[1] else _to(*delays)) + ("" if delays[1] == "off" else " s"),
        _to(number(first["alarms"]), number(second["alarms"])),
        "new" if line["reduction"] is None else _change(line["reduction"]),
        percent(first["brief_share"]),
        _to(seconds(first["median_latency_s"]), seconds(second["median_latency_s"])),
        seconds(second["max_latency_s"]),
        number(line["removed"]),
    ]


def _labels(report: Report) -> Rows:
    rows = []
    for labels in _labelled(report):
        for name, own in labels["scores"].items():
            counts = [
                number(own[key]) for key in ("true_alarmed", "true_quiet", "false_alarmed", "false_quiet")
            ]
            shares = [percent(own["sensitivity"]), percent(own["specificity"])]
            rows.append([name, *counts, *shares, f"{100 * own['challenge']:.1f}"])
    return rows


def _collapses(report: Report) -> Rows:
    return [
        [
            own["patient"],
            f"{own['begins_s']:g} s",
            f"{own['seconds']} s",
            _to(f"{own['baseline_systolic']:.0f}", f"{own['lowest_systolic']:.0f}"),
            *(_told(own, report[which]) for which in ("rules", "against")),
            own["crossed"][report["against"]],
        ]
        for labels in _labelled(report)
        for own in labels["collapses"]
    ]


def _told(collapse: Mapping[str, Any], name: str) -> str:
    told, reports = collapse["told"][name], collapse["reports"][name]
    if told == "no":
        return "**not reported**"
    first = min(reports, key=lambda one: (told == "new alarm" and one["latency_s"] < -10, one["start_s"]))
    when = f"{first['latency_s']:+g} s" if told == "new alarm" else f"open since {first['start_s']:g} s"
    return f"{first['rule']}, {when}"


def _missing(report: Report) -> Rows:
    names = (report["rules"], report["against"])
    return [
        [
            one["name"],
            line["title"],
            number(line["readings"]),
            number(line["missing"]),
            seconds(line["longest_s"]),
            _to(*(number(line["technical"][name]) for name in names)),
            " and ".join(number(line["physiological"][name]) for name in names),
        ]
        for one in report["datasets"]
        for line in one["missing"]
        if line["missing"] > line["readings"] // 100
    ]


def _news2(report: Report) -> Rows:
    titles = {"0": "not labelled", "1": "labelled septic"}
    rows = []
    for one in report["datasets"]:
        for label, counts in (one["news2"] or {"hours": {}})["hours"].items():
            total = sum(counts.values())
            cells = [counts.get(band, 0) for band in ("unscored", "low", "low-medium", "medium", "high")]
            shares = [f"{number(cell)} ({percent(cell / total)})" for cell in cells]
            rows.append([titles.get(label, label), number(total), *shares])
    return rows


def _left_out(report: Report) -> Rows:
    rows = []
    for one in report["datasets"]:
        gone = one["removed"]
        lasted = [own["violated_s"] for own in gone if own["violated_s"] is not None]
        high = sum(own["priority"] == "high" for own in gone)
        rows.append([one["name"], number(len(gone)), number(high), seconds(max(lasted, default=None))])
    return rows


def _restarts(report: Report) -> Rows:
    return [
        [
            line["patient"],
            line["rule"],
            f"{line['delay_s']:g} s",
            number(line["violations"]),
            number(line["samples"]),
            seconds(line["unbroken_s"]),
            seconds(line["bridged_s"]),
        ]
        for one in report["datasets"]
        for line in one["restarts"][:5]
    ]


_RULE_HEAD: Final = "rule|delay|alarms|change|over within the delay|latency, median|longest|left out"
TABLES: Final[Mapping[str, tuple[str, Callable[[Report], Rows]]]] = {
    "load": (
        "recordings|patients|hours|alarms|change|per patient-hour|median duration|over within the delay|"
        "had by the top 10 %",
        _load,
    ),
    "priorities": ("recordings|high|medium|low|the patient's|technical", _priorities),
    "glance": (
        "recordings|alarms|high alarms of classic|missing|late|over within the delay|true alarms lost|"
        "collapses unreported|NEWS2 hours wrong",
        _glance,
    ),
    **{
        RULES + name: (_RULE_HEAD, _rules(name))
        for name in ("bidmc", "vt-alarms-2015", "mimic-numerics", "sepsis-2019")
    },
    "labels": (
        "rules|true, alarm|true, quiet|false, alarm|false, quiet|sensitivity|specificity|score",
        _labels,
    ),
    "collapses": (
        "record|begins|lasts|systolic, mmHg|classic|vigil|limits of vigil that were crossed meanwhile",
        _collapses,
    ),
    "missing": (
        "recordings|signal|readings|missing|longest gap|technical alarms|patient's alarms at a missing reading",
        _missing,
    ),
    "news2": ("hours|all|unscored|low|low-medium|medium|high", _news2),
    "left-out": (
        "recordings|left out|of high priority|longest unbroken violation among them",
        _left_out,
    ),
    "restarts": (
        "patient|rule|delay|violations|readings beyond|longest unbroken|looking through what is missing",
        _restarts,
    ),
}
"""Every table of the page: its head, and what gives its rows."""


def head_of(name: str) -> list[str]:
    """Return the two lines that a table begins with."""
    titles = TABLES[name][0].split("|")
    return [f"| {' | '.join(titles)} |", f"|---|{'---:|' * (len(titles) - 1)}"]


def table_of(name: str, report: Report) -> str:
    """Return a table in Markdown, each line ended."""
    lines = [*head_of(name), *(f"| {' | '.join(row)} |" for row in TABLES[name][1](report))]
    return "".join(f"{line}\n" for line in lines)


def refresh(page: str, report: Report) -> str:
    """Return the page with every table made anew.

    Raises:
        UsageError: the page wants a table that is none of ours.
    """

    def replaced(match: re.Match[str]) -> str:
        if match[2] not in TABLES:
            raise UsageError(f"no table {match[2]!r}; there are {', '.join(TABLES)}")
        return f"{match[1]}\n{table_of(match[2], report)}\n{match[3]}"

    return BLOCK.sub(replaced, page)


def _loads(report: Report, dataset: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(report[which], dataset["loads"][report[which]]) for which in ("rules", "against")]


def _labelled(report: Report) -> list[Mapping[str, Any]]:
    return [one["labels"] for one in report["datasets"] if one["labels"] is not None]


def _to(before: str, after: str) -> str:
    return f"{before} to {after}"


def _of(part: int | None, whole: int | None) -> str:
    return "-" if part is None or whole is None else f"{part:,} of {whole:,}"


def _change(reduction: float | None) -> str:
    return "-" if reduction is None else percent(-reduction, signed=True)


def main(arguments: Sequence[str]) -> int:
    """Refresh the page that `arguments` name by the report before it; return the exit code."""
    try:
        if len(arguments) != 2:
            raise UsageError("wanted: REPORT.json PAGE.md")
        report, page = map(Path, arguments)
        page.write_text(
            refresh(page.read_text(encoding="utf-8"), json.loads(report.read_text(encoding="utf-8")))
        )
    except (VigilError, OSError) as error:
        say(f"vigil: {error}", err=True)
        return error.exit_code if isinstance(error, VigilError) else UsageError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
