"""The report's page: one HTML file that needs nothing else, without a script, to be read in a browser or printed."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from typing import Final
from zoneinfo import ZoneInfo

from edge.evaluation.text import number, percent, seconds, table
from edge.reports.figures import Answers, Bed, Figures, Ward
from edge.reports.shifts import Rota
from edge.reports.style import CSS
from edge.ward_state import SEVERITIES
from streams.contracts.reference import Reference
from streams.contracts.zones import moment

BEDS_SHOWN: Final = 40
"""Of a ward, those with the most alarms; all are in the CSV."""

ZoneOf = Callable[[str], ZoneInfo]


def page(
    figures: Figures,
    rota: Rota,
    reference: Reference,
    zone_of: ZoneOf,
    made_ms: int,
    table_name: str,
    sources: Sequence[str] = (),
) -> str:
    """Return the whole page; `made_ms` is when, ms, `table_name` the CSV beside it, `sources` where it is from."""
    zone = zone_of("")
    said = [moment(ms, zone) for ms in (figures.from_ms, figures.until_ms, made_ms)]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Alarm report {escape(said[0])}</title><style>{CSS}</style></head><body><main>",
        "<h1>Alarm report</h1>",
        f"<p>Alarms that began from <b>{escape(said[0])}</b> to <b>{escape(said[1])}</b>: "
        "an alarm is one episode from its onset to its end and counts when it is first told. "
        f"Alarms about devices and data are <i>technical</i>, whatever their priority.</p>"
        f"<p class='dim'>Made {escape(said[2])}. The same by bed and shift, for a spreadsheet: "
        f"{escape(table_name)}.</p>",
        *(f"<p class='dim'>{escape(line[:1].upper() + line[1:])}.</p>" for line in sources),
        _tiles(figures),
        "<h2>Time to acknowledge</h2>",
        _answers(figures.answers),
        "<p class='dim'>From the first telling to the first acknowledgement, by the broker's clock; nearest-rank "
        "percentiles. Alarms that ended by themselves before anybody answered are in the first number only.</p>",
        "<h2>What was withheld, and why</h2>",
        _withheld(figures),
        *(_ward(ward, rota, reference) for ward in figures.wards),
        "<h2>Most frequent rules</h2>",
        _rules(figures),
        "<h2>Longest</h2>",
        _longest(figures, reference, zone_of),
        "</main></body></html>",
    ]
    return "\n".join(parts)


def _tiles(figures: Figures) -> str:
    every = figures.answers["all"]
    days = (figures.until_ms - figures.from_ms) / 86_400_000
    beds = {(bed.ward, bed.patient) for ward in figures.wards for bed in ward.beds}
    rate = figures.episodes / len(beds) / days if beds and days > 0 else 0.0
    tiles = [
        (number(figures.episodes), "alarms"),
        (f"{rate:.1f}", "a bed with alarms and day"),
        (seconds(every.median_s), "median to acknowledge"),
        (seconds(every.p90_s), "90 % acknowledged within"),
        (number(figures.still_open), "still open at the end"),
    ]
    boxes = "".join(f"<div class='tile'><b>{value}</b>{what}</div>" for value, what in tiles)
    return f"<div class='row'>{boxes}</div>"


def _answers(answers: dict[str, Answers]) -> str:
    rows = [
        [
            _severity(name),
            number(own.started),
            number(own.acknowledged),
            percent(own.acknowledged / own.started if own.started else None),
            seconds(own.median_s),
            seconds(own.p90_s),
        ]
        for name, own in answers.items()
    ]
    return table(["-severity", "alarms", "acknowledged", "share", "median", "90 % within"], rows)


def _withheld(figures: Figures) -> str:
    if not figures.withheld:
        return "<p>Nothing: no pause, no sensor in doubt, no device that sent too much.</p>"
    rows = [
        [
            escape(one.why),
            f"!{escape(one.what)}",
            number(one.times),
            number(one.patients),
            "" if math.isnan(one.lasted_s) else seconds(one.lasted_s),
            "" if one.most is None else number(one.most),
        ]
        for one in figures.withheld
    ]
    head = ["-why", "-what", "times", "patients", "together", "most withheld at once"]
    reasons = [[f"!{escape(reason)}", number(times)] for reason, times in figures.off_reasons]
    off = (
        "<h3>Why alarms were switched off</h3>" + table(["-reason given", "times"], reasons)
        if reasons
        else ""
    )
    return (
        table(head, rows)
        + off
        + (
            "<p class='dim'>Pauses by the orders that were accepted. The most withheld at once is what a pause's "
            "reminders told, one a minute: a shorter one counts as none. What delays and margins of the rules left "
            "out is no part of this: <code>vigil evaluate</code> counts it.</p>"
        )
    )


def _ward(ward: Ward, rota: Rota, reference: Reference) -> str:
    name = reference.ward_name(ward.ward) if ward.ward else "No ward known"
    aside = f" <span class='dim'>{escape(ward.ward)}</span>" if ward.ward and name != ward.ward else ""
    shown = ward.beds[:BEDS_SHOWN]
    over = len(ward.beds) - len(shown)
    more = f"<p class='dim'>{over} more beds are in the CSV.</p>" if over > 0 else ""
    total = sum(ward.counts.values())
    counts = ", ".join(f"{number(ward.counts[one])} {one}" for one in SEVERITIES if ward.counts[one])
    own = ward.answers["all"]
    return "\n".join(
        [
            f"<h2>{escape(name)}{aside}</h2>",
            f"<p>{number(total)} alarms at {len(ward.beds)} bed{'s' * (len(ward.beds) != 1)}: {counts}. Acknowledged: "
            f"{number(own.acknowledged)}, half within {seconds(own.median_s)}, 90 % within {seconds(own.p90_s)}.</p>",
            "<h3>Alarms a shift, by bed</h3>",
            _load(shown, ward, rota, reference),
            more,
        ]
    )


def _load(beds: Sequence[Bed], ward: Ward, rota: Rota, reference: Reference) -> str:
    """Return beds by shift: the mean over the shifts of that name and, behind it, the worst one."""
    shifts = range(len(rota.starts))
    means = {
        (bed.patient, number_): sum(
            cell.total for shift, cell in bed.cells.items() if shift.number == number_
        )
        / max(1, ward.shifts[number_])
        for bed in beds
        for number_ in shifts
    }
    top = max(means.values(), default=0.0)
    rows = []
    for bed in beds:
        cells = []
        for number_ in shifts:
            own = [cell.total for shift, cell in bed.cells.items() if shift.number == number_]
            mean = means[bed.patient, number_]
            cells.append(_heat(mean, max(own, default=0), top))
        counts: Counter[str] = sum((cell.counts for cell in bed.cells.values()), Counter())
        label = reference.label(bed.patient)
        aside = f" <span class='dim'>{escape(bed.patient)}</span>" if label != bed.patient else ""
        rows.append(
            [
                f"{escape(label)}{aside}",
                *cells,
                number(bed.total),
                *(number(counts[severity]) if counts[severity] else "" for severity in SEVERITIES),
            ]
        )
    names = [rota.name(number_) for number_ in shifts]
    return table(["-bed", *names, "all", *SEVERITIES], rows) + (
        f"<p class='dim'>Mean a shift, in brackets the worst one. Shifts in the time: {ward.shifts.total()}.</p>"
    )


def _heat(mean: float, worst: int, top: float) -> str:
    """Return a cell whose ground grows darker with its share of the table's largest, in five steps."""
    if not worst:
        return "<span class='dim'>0</span>"
    step = min(4, int(5 * mean / top)) if top else 0
    return f"<span class='heat h{step}'>{mean:.1f} <span class='dim'>({worst})</span></span>"


def _rules(figures: Figures) -> str:
    rows = [
        [
            escape(rule),
            number(counts.total()),
            *(number(counts[one]) if counts[one] else "" for one in SEVERITIES),
        ]
        for rule, counts in figures.rules
    ]
    return table(["-rule", "alarms", *SEVERITIES], rows)


def _longest(figures: Figures, reference: Reference, zone_of: ZoneOf) -> str:
    rows = [
        [
            escape(reference.label(one.patient)),
            escape(one.rule),
            _severity(one.severity),
            escape(moment(one.onset_ms, zone_of(""))),
            seconds(one.lasted_s(figures.until_ms)) + (" and open" if one.ended_ms is None else ""),
            escape(one.acknowledged_by) or "-",
            f"!{escape(one.reason)}",
        ]
        for one in figures.longest
    ]
    return table(["-bed", "-rule", "-severity", "-since", "lasted", "-known to", "-last said"], rows)


def _severity(name: str) -> str:
    return f"<span class='{escape(name)}'>{escape(name)}</span>"
