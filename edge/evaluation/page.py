"""The report's page: one HTML file that needs nothing else, to be read in a browser or printed."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from edge.evaluation.assess import Assessment, Chosen
from edge.evaluation.charts import band_bars, duration_curves, rule_bars, worst_curves
from edge.evaluation.compared_load import Rate, RuleLine, reduction
from edge.evaluation.labels_page import labels_section
from edge.evaluation.losses_page import high_section, restarts_section
from edge.evaluation.text import number, percent, seconds, table
from edge.svg import STYLE

REMOVED_SHOWN: Final = 10
NOTES_SHOWN: Final = 20
SCOPE: Final = (
    "The figures are of the recordings that were given and of no others: of one part of a collection they say nothing "
    "about the part that was left out."
)

CSS: Final = """
:root { --ink: #1f2933; --dim: #64707d; --grid: #e3e8ee; --paper: #fff; --first: #b4690e; --second: #0b6e8f;
  --alarm: #c0262d; --wash: #f5f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --dim: #97a3b0; --grid: #2f3944; --paper: #161b21;
  --first: #e39a3b; --second: #4fb3d4; --alarm: #f2686e; --wash: #1e252d; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 1160px; padding: 24px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 20px; margin: 44px 0 6px; border-top: 1px solid var(--grid);
  padding-top: 22px; } h3 { font-size: 15px; margin: 26px 0 6px; }
p { margin: 6px 0 10px; max-width: 76ch; } .dim { color: var(--dim); }
code { font-size: 13px; overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: 6px 0 12px; }
.wide { overflow-x: auto; }
th, td { padding: 3px 8px; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { color: var(--dim); font-weight: 600; } td.text, th.text { text-align: left; } td.free { white-space: normal;
  text-align: left; min-width: 230px; }
tr:hover td { background: var(--wash); }
.first { color: var(--first); } .second { color: var(--second); }
.bad { color: var(--alarm); font-weight: 600; }
.row { display: flex; flex-wrap: wrap; gap: 12px 28px; } .panels { display: flex; flex-wrap: wrap; gap: 6px 10px; }
.tile { background: var(--wash); border-radius: 8px; padding: 10px 16px; } .tile b { font-size: 22px; display: block; }
"""


def page(assessments: Sequence[Assessment], sets: tuple[Chosen, Chosen], command: str) -> str:
    """Return the whole page."""
    first, second = (escape(one.name) for one in sets)
    title = f"Alarm load: {first} against {second}"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{CSS}{STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        f"<p>The same recordings under two rule sets: <b class='first'>{first}</b> and "
        f"<b class='second'>{second}</b>. An alarm is one episode from its onset (first violating sample) to its "
        "end; it counts when it starts. Durations run from the onset, so that a delay does not change them. "
        f"{SCOPE}</p>",
        f"<p class='dim'>Made again by: <code>{escape(command)}</code></p>",
        _overview(assessments, sets),
        *(_section(one, sets) for one in assessments),
        "</body></html>",
    ]
    return "\n".join(parts)


def _overview(assessments: Sequence[Assessment], sets: tuple[Chosen, Chosen]) -> str:
    rows = []
    for one in assessments:
        before, after = one.loads.values()
        rows.append(
            [
                f"<a href='#{escape(one.dataset.name)}'>{escape(one.dataset.name)}</a>",
                number(len(one.dataset.recordings)),
                f"{one.dataset.patient_hours:.1f}",
                number(before.all.alarms),
                number(after.all.alarms),
                _change(before.all.alarms, after.all.alarms),
                f"{before.all.per_patient_hour:.3g}",
                f"{after.all.per_patient_hour:.3g}",
            ]
        )
    first, second = (
        f"<span class='{kind}'>{escape(one.name)}</span>"
        for kind, one in zip(("first", "second"), sets, strict=True)
    )
    head = [
        "-recordings",
        "patients",
        "hours",
        f"alarms {first}",
        f"{second}",
        "change",
        f"per hour {first}",
        f"{second}",
    ]
    return "<h3>Overview</h3>" + table(head, rows)


def _change(before: int, after: int) -> str:
    share = reduction(before, after)
    return "" if share is None else percent(-share, signed=True)


def _section(one: Assessment, sets: tuple[Chosen, Chosen]) -> str:
    names = [chosen.name for chosen in sets]
    passed = one.dataset.passed_over
    over = (
        f" {passed} file{'s' * (passed != 1)} of the folder {'are' if passed != 1 else 'is'} no recording."
        if passed
        else ""
    )
    parts = [
        f"<h2 id='{escape(one.dataset.name)}'>{escape(one.dataset.name)}</h2>",
        f"<p class='dim'>{one.dataset.size} ({escape(one.dataset.recordings[0].format)}), "
        f"{one.dataset.patient_hours:.1f} patient-hours.{over}</p>",
        *(f"<p class='dim'>{escape(note)}</p>" for note in one.dataset.notes[:NOTES_SHOWN]),
        _tiles(one),
        "<h3>Load</h3>",
        _loads(one),
        "<h3>By rule</h3>",
        rule_bars(one.rules, names),
        _rules(one.rules, names),
        "<div class='row'><div><h3>How long alarms last</h3>",
        duration_curves(one),
        "</div><div><h3>Who has them</h3>",
        worst_curves(one),
        "</div></div>",
        high_section(one, names),
        _removed(one, names),
        restarts_section(one, names),
        _missing(one),
        labels_section(one),
        _bands(one),
    ]
    return "\n".join(parts)


def _tiles(one: Assessment) -> str:
    before, after = one.loads.values()
    tiles = [
        (_change(before.all.alarms, after.all.alarms), "alarms"),
        (f"{before.all.per_patient_hour:.3g} → {after.all.per_patient_hour:.3g}", "per patient-hour"),
        (
            f"{seconds(before.all.median_duration_s)} → {seconds(after.all.median_duration_s)}",
            "median duration",
        ),
        (percent(before.all.brief_share), "over by themselves within the delay"),
    ]
    boxes = "".join(f"<div class='tile'><b>{value}</b>{what}</div>" for value, what in tiles)
    return f"<div class='row'>{boxes}</div>"


def _loads(one: Assessment) -> str:
    rows = []
    for kind, (name, load) in zip(("first", "second"), one.loads.items(), strict=True):
        counts = load.all
        priorities = [_rate(load.by_priority.get(key)) for key in ("high", "medium", "low")]
        types = [_rate(load.by_type.get(key)) for key in ("physiological", "technical")]
        rows.append(
            [
                f"<span class='{kind}'>{escape(name)}</span>",
                number(counts.alarms),
                f"{counts.per_patient_hour:.3g}",
                *priorities,
                *types,
                seconds(counts.median_duration_s),
                percent(counts.brief_share),
                number(load.still_open),
                percent(load.worst_share),
            ]
        )
    head = ["-rules", "alarms", "per hour", "high", "medium", "low", "patient's", "technical"]
    most = (
        f"{', '.join(f'{escape(patient)} {alarms}' for patient, alarms in load.worst_patients)} ({escape(name)})"
        for name, load in one.loads.items()
    )
    return (
        table([*head, "median duration", "within delay", "open at end", "of the top 10 %"], rows)
        + f"<p class='dim'>Most alarms: {'; '.join(most)}.</p>"
    )


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "0"
    return f"{number(rate.alarms)} <span class='dim'>({rate.per_patient_hour:.3g}/h)</span>"


def _rules(lines: Sequence[RuleLine], names: Sequence[str]) -> str:
    rows = []
    for line in lines:
        before, after = line.counts
        rows.append(
            [
                escape(line.rule),
                " → ".join("off" if one is None else f"{one:g} s" for one in line.delay_s),
                number(before.alarms),
                number(after.alarms),
                _change(before.alarms, after.alarms),
                percent(before.brief_share),
                f"{seconds(before.median_duration_s)} → {seconds(after.median_duration_s)}",
                f"{seconds(before.median_latency_s)} → {seconds(after.median_latency_s)}",
                seconds(after.max_latency_s),
                number(line.removed),
            ]
        )
    first, second = (escape(name) for name in names)
    head = ["-rule", "delay", first, second, "change", "within delay", "median duration", "median latency"]
    return table([*head, "longest latency", "removed"], rows) + (
        "<p class='dim'>Delay: off where the set has no such alarm. Latency: from the onset to the alarm. "
        "Within delay: share of the first set's alarms that were "
        "over before the second's delay had passed. Removed: alarms of the first set at whose time the second has none "
        "of that rule and patient; the others were merged or came later.</p>"
    )


def _removed(one: Assessment, names: Sequence[str]) -> str:
    if not one.removed:
        return ""
    rows = [
        [
            escape(gone.alarm.patient),
            escape(gone.alarm.rule),
            gone.alarm.priority,
            f"{gone.alarm.onset_ms / 1000:g} s",
            "one sample" if gone.violated_s == 0 else seconds(gone.violated_s),
            seconds(gone.alarm.duration_s),
        ]
        for gone in one.removed[:REMOVED_SHOWN]
    ]
    first, second = (escape(name) for name in names)
    urgent = sum(gone.alarm.priority == "high" for gone in one.removed)
    return (
        f"<h3>What {second} leaves out</h3><p>{len(one.removed)} of the patient's alarms under {first} have none under "
        f"{second}, {urgent} of them of high priority; the gravest, with their longest unbroken violation:</p>"
        + table(["-patient", "-rule", "-priority", "onset", "violated for", "alarm lasted"], rows)
    )


def _missing(one: Assessment) -> str:
    if not one.missing:
        return ""
    rows = [
        [
            escape(line.title),
            number(line.readings),
            number(line.missing),
            seconds(line.longest_s),
            *(number(count) for count in line.technical.values()),
            *(_must_be_none(count) for count in line.physiological.values()),
        ]
        for line in one.missing
    ]
    names = [escape(name) for name in one.loads]
    head = ["-signal", "readings", "missing", "longest gap", *(f"technical {name}" for name in names)]
    return (
        "<h3>Missing readings</h3><p>A reading that is missing raises technical alarms, never one of the patient's: "
        "the last columns count the patient's alarms that started at a moment without a reading and must be 0.</p>"
        + table([*head, *(f"patient's {name}" for name in names)], rows)
    )


def _must_be_none(count: int) -> str:
    return "0" if count == 0 else f"<span class='bad'>{count}</span>"


def _bands(one: Assessment) -> str:
    if one.bands is None or one.bands_agree is None:
        return ""
    bands, agree = one.bands, one.bands_agree
    parts: list[str] = [
        "<h3>NEWS2 by hour</h3>",
        f"<p>Computed from the charted values, each as long as it may stand: the oldest that was used was "
        f"{bands.oldest_input_h:.1f} h old. Inputs that are missing lower the bound, so the bands may understate, "
        f"never overstate. Written down once more from the printed chart, the band is the alarms' in "
        f"{agree.bands_right:,} of {agree.hours:,} scored hours, and the total in {agree.totals_right:,} of the "
        f"{agree.totals:,} at which an alarm told one; in {agree.held:,} hours an input was too old.</p>",
        *(f"<p class='bad'>{escape(line)}</p>" for line in agree.wrong),
        band_bars(bands),
    ]
    inputs: Iterable[str] = (f"{count}: {hours:,}" for count, hours in bands.inputs.items())
    parts.append(f"<p class='dim'>Hours by number of fresh inputs (of seven): {', '.join(inputs)}.</p>")
    if bands.septic and bands.septic_reached is not None:
        parts.append(
            f"<p>{bands.septic_reached} of {bands.septic} septic stays reached the medium or high band, and "
            f"{bands.others_reached} of the {bands.stays - bands.septic} others.</p>"
        )
    return "\n".join(parts)
