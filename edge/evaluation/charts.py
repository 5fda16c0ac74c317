"""The report's plots."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from clinical.scores import BANDS
from edge.evaluation.assess import Assessment
from edge.evaluation.collapse import MEAN, MEAN_MMHG, SYSTOLIC, SYSTOLIC_MMHG, Collapse
from edge.evaluation.compared_load import RuleLine
from edge.evaluation.early_warning import BandTable
from edge.evaluation.labels import ALARM_S
from edge.evaluation.series import Series
from edge.svg import Plot

KINDS: Final = ("first", "second")
BAR_PX: Final = 9
ROW_PX: Final = 28
RULES_SHOWN: Final = 30
BAND_COLOURS: Final = {
    "unscored": "#c3cad3",
    "low": "#9ec9a6",
    "low-medium": "#f0d37a",
    "medium": "#e59a4c",
    "high": "#c0262d",
}


def rule_bars(lines: Sequence[RuleLine], names: Sequence[str]) -> str:
    """Draw alarms per patient-hour by rule, two bars each."""
    shown = lines[:RULES_SHOWN]
    most = max((one.per_patient_hour for line in shown for one in line.counts), default=1.0) or 1.0
    plot = Plot((0, most * 1.12), (0, 1), 640, ROW_PX * len(shown) + 30, (150, 6, 20, 24))
    for row, line in enumerate(shown):
        top = plot.margins[1] + row * ROW_PX
        plot.text(plot.margins[0] - 6, top + 14, line.rule, anchor="end")
        for number, counts in enumerate(line.counts):
            length = plot.px(counts.per_patient_hour) - plot.margins[0]
            at = top + number * (BAR_PX + 1) + 2
            plot.box(plot.margins[0], at, max(0.5, length), BAR_PX, KINDS[number])
            plot.text(plot.margins[0] + length + 4, at + 9, _short(counts.per_patient_hour), kind="dim")
    plot.text(plot.margins[0], plot.height - 6, "alarms per patient-hour", kind="dim")
    return plot.svg(f"Alarms per patient-hour by rule: {' and '.join(names)}")


def duration_curves(assessment: Assessment) -> str:
    """Draw which share of the alarms lasts longer than x."""
    durations = {
        name: np.sort([max(1.0, one.duration_s) for one in episodes])
        for name, episodes in assessment.episodes.items()
    }
    longest = max((float(own[-1]) for own in durations.values() if len(own)), default=10.0)
    plot = Plot((1, max(10.0, longest)), (0, 100), 480, 260, (46, 26, 12, 34), log_x=True)
    marks = [
        (10, "10 s"),
        (60, "1 min"),
        (600, "10 min"),
        (3600, "1 h"),
        (36_000, "10 h"),
        (360_000, "100 h"),
    ]
    plot.axes(
        "duration, from the onset", "% last longer", [(1, "1 s"), *((x, t) for x, t in marks if x <= longest)]
    )
    for kind, own in zip(KINDS, durations.values(), strict=True):
        if not len(own):
            continue
        points = [(1.0, 100.0)]
        for place, seconds in enumerate(own.tolist()):
            points += [(seconds, points[-1][1]), (seconds, 100 * (1 - (place + 1) / len(own)))]
        plot.line(points, kind)
    return plot.svg("Share of alarms that last longer than a time")


def worst_curves(assessment: Assessment) -> str:
    """Draw which share of the alarms the patients with the most have."""
    patients = len(assessment.dataset.recordings)
    plot = Plot((0, 100), (0, 100), 480, 260, (46, 26, 12, 34))
    plot.axes("% of patients, those with the most alarms first", "% of alarms")
    plot.upright(10, "limit", "top 10 %")
    for kind, episodes in zip(KINDS, assessment.episodes.values(), strict=True):
        counts = sorted(Counter(one.patient for one in episodes).values(), reverse=True)
        if not counts:
            continue
        summed = np.cumsum([*counts, *[0] * (patients - len(counts))]) / sum(counts) * 100
        shares = np.arange(1, patients + 1) / patients * 100
        plot.line([(0.0, 0.0), *zip(shares.tolist(), summed.tolist(), strict=True)], kind)
    return plot.svg("Share of alarms by share of patients")


def collapse_panel(patient: str, series: Mapping[str, Series], collapse: Collapse | None) -> str:
    """Draw one true alarm: systolic (upper) and mean pressure around it, and when each rule set said so."""
    plot = Plot((240, 330), (20, 180), 300, 150, (32, 18, 16, 22))
    plot.axes("", "", [(t, f"{t} s") for t in (240, 270, 300, 330)])
    plot.text(plot.margins[0], 11, patient)
    plot.across(SYSTOLIC_MMHG, "limit")
    plot.across(MEAN_MMHG, "limit")
    plot.upright(ALARM_S, "axis")
    for signal, kind in ((SYSTOLIC, "second"), (MEAN, "third")):
        if signal in series:
            near = series[signal].between(plot.x[0] * 1000, plot.x[1] * 1000)
            values = np.clip(near.values, *plot.y)
            plot.line(zip((near.t_ms / 1000).tolist(), values.tolist(), strict=True), kind)
    if collapse is not None:
        plot.shade(collapse.begins_s, collapse.begins_s + collapse.seconds)
        for kind, reports in zip(("onset", "mark"), collapse.reports.values(), strict=True):
            for one in reports:
                if plot.x[0] <= one.start_s <= plot.x[1]:
                    plot.upright(one.start_s, kind)
    return plot.svg(f"{patient}: arterial pressure around the labelled alarm")


def band_bars(table: BandTable) -> str:
    """Draw the share of hours in each band, one bar a label."""
    plot = Plot((0, 100), (0, 1), 640, 34 * len(table.hours) + 44, (150, 6, 12, 24))
    names = {"0": "other hours", "1": "septic hours", "all": "all hours"}
    order = ["unscored", *BANDS]
    for row, (label, counts) in enumerate(table.hours.items()):
        total, passed = sum(counts.values()), 0.0
        top = plot.margins[1] + row * 34
        plot.text(plot.margins[0] - 6, top + 16, f"{names.get(label, label)} ({total:,})", anchor="end")
        for band in order:
            share = 100 * counts.get(band, 0) / total
            left = plot.px(passed)
            plot.parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{plot.px(share) - plot.px(0):.1f}" height="22" '
                f'fill="{BAND_COLOURS[band]}"><title>{band}: {share:.1f} %</title></rect>'
            )
            passed += share
    for place, band in enumerate(order):
        left = plot.margins[0] + place * 95
        plot.parts.append(
            f'<rect x="{left}" y="{plot.height - 28}" width="10" height="10" fill="{BAND_COLOURS[band]}"/>'
        )
        plot.text(left + 14, plot.height - 19, band, kind="dim")
    return plot.svg("NEWS2 band by hour")


def _short(value: float) -> str:
    return "0" if value == 0 else f"{value:.3g}"
