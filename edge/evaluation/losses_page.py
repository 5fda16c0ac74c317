"""The report's sections on what the second rule set may lose: high alarms, and delays that begin anew."""

from collections.abc import Sequence
from html import escape

from edge.evaluation.assess import Assessment
from edge.evaluation.text import number, seconds, table


def high_section(one: Assessment, names: Sequence[str]) -> str:
    """Return what became of the first set's high alarms, empty without any."""
    if not one.high.alarms:
        return ""
    first, second = (escape(name) for name in names)
    kind = " class='bad'" if one.high.missing else ""
    missing = f" ({', '.join(map(escape, one.high.first_missing))})" if one.high.missing else ""
    return (
        f"<h3>High alarms</h3><p>{first} has {number(one.high.alarms)} alarms of high priority. {second} tells of "
        f"all but <span{kind}>{one.high.missing}</span>{missing} by a high alarm or one on the same signal, "
        f"{one.high.late} of them later than its delay and one reading; {one.high.brief} more were over before its "
        "delay had passed.</p>"
    )


def restarts_section(one: Assessment, names: Sequence[str]) -> str:
    """Return the limits that were violated again and again without an alarm, empty without any."""
    if not one.restarts:
        return ""
    rows = [
        [
            escape(line.patient),
            escape(line.rule),
            f"{line.delay_s:g} s",
            number(line.violations),
            number(line.samples),
            seconds(line.unbroken_s),
            seconds(line.bridged_s),
        ]
        for line in one.restarts
    ]
    head = [
        "-patient",
        "-rule",
        "delay",
        "violations",
        "readings beyond",
        "longest unbroken",
        "without what is missing",
    ]
    return (
        f"<h3>Delays that begin anew</h3><p>A reading inside the limit ends a violation, and the next one waits for "
        f"the whole delay again. Limits that were violated more than once without an alarm of {escape(names[1])}, "
        "those with the most readings beyond them first. Unbroken excludes missing readings: the last column looks "
        "through them.</p>" + table(head, rows)
    )
