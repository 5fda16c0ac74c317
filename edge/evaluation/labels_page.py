"""The report's section on labelled alarms: scores, and every true alarm's pressure with who told of its fall."""

from html import escape

from edge.evaluation.assess import Assessment, Labelled
from edge.evaluation.charts import collapse_panel
from edge.evaluation.collapse import FALL_SHARE, MEAN_MMHG, SYSTOLIC_MMHG, Collapse
from edge.evaluation.labels import ALARM_S, MISSED_WEIGHT, WITHIN_S
from edge.evaluation.text import number, percent, table


def labels_section(one: Assessment) -> str:
    """Return the section, empty without labels."""
    labelled = one.labelled
    if labelled is None:
        return ""
    collapses = {own.patient: own for own in labelled.collapses}
    panels = [
        collapse_panel(patient, one.patients[patient], collapses.get(patient))
        for patient in sorted([*collapses, *labelled.no_collapse])
    ]
    return "\n".join(
        [_scores(labelled), _collapses(labelled), f"<div class='panels'>{''.join(panels)}</div>"]
    )


def _scores(labelled: Labelled) -> str:
    rows = [
        [
            escape(name),
            number(own.true_alarmed),
            number(own.true_quiet),
            number(own.false_alarmed),
            number(own.false_quiet),
            percent(own.sensitivity),
            percent(own.specificity),
            "" if own.challenge is None else f"{100 * own.challenge:.1f}",
        ]
        for name, own in labelled.scores.items()
    ]
    head = [
        "-rules",
        "true, alarm",
        "true, quiet",
        "false, alarm",
        "false, quiet",
        "sensitivity",
        "specificity",
        "score",
    ]
    return (
        "<h3>Labelled alarms</h3>"
        f"<p>Experts found {labelled.true_alarms} of the monitor's arrhythmia alarms true and "
        f"{labelled.false_alarms} false. A rule set alarms where one of the patient's alarms is on from {WITHIN_S:g} s "
        f"before that moment. The score is the challenge's: (TP + TN) / (TP + TN + FP + {MISSED_WEIGHT} FN), in %. "
        "These rules see the arterial line only, no ECG: they can tell what an arrhythmia does to the pressure and the "
        "pulse, not what it is.</p>" + table(head, rows) + _lost(labelled)
    )


def _lost(labelled: Labelled) -> str:
    first, second = (escape(name) for name in labelled.scores)
    which = f": {', '.join(map(escape, labelled.lost))}" if labelled.lost else ""
    return (
        f"<p>What the delays lose on true alarms: at {len(labelled.lost)} of the {labelled.true_alarms} {first} has an "
        f"alarm of the patient and {second} has none{which}.</p>"
    )


def _collapses(labelled: Labelled) -> str:
    names = list(labelled.scores)
    rows = []
    for own in labelled.collapses:
        row = [
            escape(own.patient),
            f"{own.begins_s:g} s",
            f"{own.seconds} s",
            f"{own.baseline_systolic:.0f} → {own.lowest_systolic:.0f}",
            f"{own.lowest_mean:.0f}",
        ]
        for name in names:
            row.append(_told(own, name))
        rows.append([*row, f"!{escape(own.crossed[names[-1]])}"])
    head = ["-patient", "begins", "lasts", "systolic", "mean", *(f"-{escape(name)}" for name in names)]
    counts = "; ".join(f"{escape(name)}: {_count(labelled, name)}" for name in names)
    return (
        f"<h3>Pressure collapses at true alarms</h3><p>In {len(labelled.collapses)} of the {labelled.true_alarms} true "
        f"alarms the arterial pressure is low from {WITHIN_S:g} s before the alarm on: systolic below "
        f"{SYSTOLIC_MMHG:g} mmHg, mean below {MEAN_MMHG:g}, or systolic {FALL_SHARE * 100:g} % below the patient's own "
        f"median of the minutes before (usual definitions of hypotension, PMC11100658). {counts}. In the other "
        f"{len(labelled.no_collapse)} the pressure held, and no rule on it has anything to say.</p>"
        + table([*head, f"-limits of {escape(names[-1])} that were crossed meanwhile"], rows)
        + "<p class='dim'>Pictures: systolic (blue) and mean pressure from one minute before the alarm, at "
        f"{ALARM_S:g} s, to half a minute after it; dashed red lines: {SYSTOLIC_MMHG:g} and {MEAN_MMHG:g} mmHg; "
        f"shaded: the collapse; dotted uprights: alarms of {escape(names[0])}, red uprights: of {escape(names[-1])}. "
        "Some recordings end at the alarm.</p>"
    )


def _count(labelled: Labelled, name: str) -> str:
    told = [own.told(name) for own in labelled.collapses]
    return (
        f"{told.count('new alarm')} reported by a new alarm, {told.count('open before')} while an alarm of low "
        f"pressure had been open from before, {told.count('no')} not reported"
    )


def _told(own: Collapse, name: str) -> str:
    told = own.told(name)
    if told == "no":
        return "<span class='bad'>not reported</span>"
    new = [one for one in own.reports[name] if one.latency_s >= -WITHIN_S] or own.reports[name]
    first = min(new, key=lambda one: one.start_s)
    when = f"{first.latency_s:+g} s" if told == "new alarm" else f"open since {first.start_s:g} s"
    return f"{escape(first.rule)}, {when}"
