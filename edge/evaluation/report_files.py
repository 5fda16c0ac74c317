"""The report as files: `report.json` with every figure, `index.html` to read."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec

from edge.evaluation.agreement import Agreement
from edge.evaluation.assess import Assessment, Chosen, Labelled, Removed
from edge.evaluation.compared_load import RuleLine, reduction
from edge.evaluation.page import SCOPE, page
from streams.errors import UsageError

VERSION: Final = 2
"""Of report.json's form."""


def write_report(
    folder: Path, assessments: Sequence[Assessment], sets: tuple[Chosen, Chosen], command: str
) -> None:
    """Write the report; `command` is the line that makes it again.

    Raises:
        UsageError: the folder cannot be written.
    """
    data = {"version": VERSION, "command": command, **as_data(assessments, sets)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n")
        (folder / "index.html").write_text(page(assessments, sets, command), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--report {folder}: {error.strerror}") from None


def as_data(assessments: Sequence[Assessment], sets: tuple[Chosen, Chosen]) -> dict[str, Any]:
    """Return all figures as plain data; durations in s, rates per patient-hour, shares 0 to 1, null = none."""
    return {
        "rules": sets[0].name,
        "against": sets[1].name,
        "scope": SCOPE,
        "datasets": [_dataset(one) for one in assessments],
    }


def _dataset(one: Assessment) -> dict[str, Any]:
    before, after = one.loads.values()
    data: dict[str, Any] = _plain(
        {
            "name": one.dataset.name,
            "recordings": len(one.dataset.recordings),
            "patient_hours": one.dataset.patient_hours,
            "notes": one.dataset.notes,
            "glance": asdict(one.glance),
            "high": asdict(one.high),
            "reduction": reduction(before.all.alarms, after.all.alarms),
            "loads": {name: asdict(load) for name, load in one.loads.items()},
            "by_rule": [_rule(line, list(one.loads)) for line in one.rules],
            "removed": [_removed(gone) for gone in one.removed],
            "restarts": [asdict(line) for line in one.restarts],
            "missing": [asdict(line) for line in one.missing],
            "labels": None if one.labelled is None else _labels(one.labelled),
            "news2": None
            if one.bands is None
            else {**asdict(one.bands), "agreement": _agreement(one.bands_agree)},
            "frames": one.tallies,
        }
    )
    return data


def _agreement(found: Agreement | None) -> dict[str, Any] | None:
    return None if found is None else {**asdict(found), "complete": found.complete}


def _rule(line: RuleLine, names: Sequence[str]) -> dict[str, Any]:
    return {
        "rule": line.rule,
        "type": line.type,
        **{
            name: {"delay_s": delay_s, **asdict(counts)}
            for name, delay_s, counts in zip(names, line.delay_s, line.counts, strict=True)
        },
        "reduction": line.reduction,
        "added_latency_s": added_latency_s(line),
        "removed": line.removed,
    }


def added_latency_s(line: RuleLine) -> float | None:
    """Return by how much later the second set's alarms start, in the median; None if either has none."""
    first, second = (counts.median_latency_s for counts in line.counts)
    return None if first is None or second is None else second - first


def _removed(gone: Removed) -> dict[str, Any]:
    alarm = gone.alarm
    return {
        "patient": alarm.patient,
        "rule": alarm.rule,
        "priority": alarm.priority,
        "onset_s": alarm.onset_ms / 1000,
        "duration_s": alarm.duration_s,
        "violated_s": gone.violated_s,
    }


def _labels(labelled: Labelled) -> dict[str, Any]:
    return {
        "true_alarms": labelled.true_alarms,
        "false_alarms": labelled.false_alarms,
        "lost": list(labelled.lost),
        "scores": {
            name: {
                **asdict(own),
                "sensitivity": own.sensitivity,
                "specificity": own.specificity,
                "challenge": own.challenge,
            }
            for name, own in labelled.scores.items()
        },
        "collapses": [
            {**asdict(own), "told": {name: own.told(name) for name in own.reports}}
            for own in labelled.collapses
        ],
        "without_collapse": list(labelled.no_collapse),
    }


def _plain(value: Any) -> Any:
    """Return the value with JSON's types only: keys are texts, what is not finite is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
