"""The report's page: one HTML file that needs nothing else."""

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.evaluation.page import CSS
from edge.evaluation.text import FREE, LEFT, number, seconds, table
from edge.explanation.picture import picture
from edge.shadow.compare import OUTCOMES, Outcome
from edge.shadow.comparison import Comparison, Seen, behind, highest
from edge.svg import STYLE
from streams.kafka.rules_log import Decided

SAYS: Final[dict[Outcome, str]] = {
    "only-new": "only the new rules",
    "only-present": "only the present rules",
    "later": "later",
    "earlier": "earlier",
    "lower": "at lower priority",
    "higher": "at higher priority",
    "more": "more often",
    "fewer": "less often",
    "same": "as now",
}
"""What the new rules did with a condition, beside the present ones."""

SCOPE: Final = (
    "Both sides judged the same log. Compared are alarms of patients; those of a ward, of a partition and of the alarm "
    "system itself are not. Orders were given on what the present rules told: an alarm that only the new rules told of "
    "could be acknowledged by nobody, and stays open for longer than it would. Wards are those of now."
)


def page(found: Comparison, lag: Mapping[int, int]) -> str:
    """Return the whole page."""
    title = f"Rules {found.trial.rules.name} beside those in force"
    parts = [
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{CSS}{STYLE}</style></head><body><h1>{title}</h1>",
        f"<p>New: {_said(found.trial)}. Present: {_present(found.present)}.</p>",
        f"<p>Compared from {_moment(found.stretch.since_ms)} to {_end(found)}. {SCOPE}</p>",
        f"<p class='{'bad' if _is_behind(found, lag) else 'dim'}'>Records that the new rules have not judged yet: "
        f"{number(sum(lag.values()))}.</p>",
        "<h2>By ward and rule</h2>",
        _counts(found),
        "<h2>What would change</h2>",
        f"<p>{number(found.total)} differences, what matters most first; {number(len(found.seen))} are listed.</p>",
        *(_difference(one) for one in found.seen),
        "</body></html>",
    ]
    return "\n".join(parts)


def _is_behind(found: Comparison, lag: Mapping[int, int]) -> bool:
    return found.until_ms == 0 or sum(lag.values()) > LAG_TOLD


LAG_TOLD: Final = 10_000
"""Records behind which a report says so in red: seconds of a hospital, our choice."""


def _counts(found: Comparison) -> str:
    rows = [
        [escape(ward) or "-", escape(rule), number(line["present"]), number(line["new"])]
        + [number(line[outcome]) if line[outcome] else "" for outcome in OUTCOMES]
        for (ward, rule), line in found.counts.items()
    ]
    if not rows:
        return "<p>Nothing was told by either in this time.</p>"
    return table([f"{LEFT}ward", f"{LEFT}rule", "present", "new", *(SAYS[one] for one in OUTCOMES)], rows)


def _difference(seen: Seen) -> str:
    one = seen.difference
    condition, told = one.condition, behind(one)
    words = SAYS[one.outcome]
    if one.outcome in ("earlier", "later"):
        words += f" by {seconds(abs(condition.shift_s))}"
    if one.instead:
        words += f"; the other rules told {', '.join(one.instead)} of the same signal then"
    rows = [
        [
            _moment(condition.start_ms),
            escape(seen.ward) or "-",
            escape(condition.patient),
            f"{highest(condition.present)} / {highest(condition.new)}",
            f"{FREE}{escape(told.start.reason)}",
        ]
    ]
    head = [f"{LEFT}first told", f"{LEFT}ward", f"{LEFT}patient", f"{LEFT}present / new", f"{LEFT}why"]
    return f"<h3>{escape(condition.rule)}: {escape(words)}</h3>{table(head, rows)}{_readings(seen)}"


def _readings(seen: Seen) -> str:
    evidence = seen.evidence
    if evidence is None:
        return ""
    signal = evidence.alert.source.name
    if signal not in INDEX or not evidence.moments:
        return "<p class='dim'>No readings of one signal stand behind it.</p>"
    known = SIGNALS[INDEX[signal]]
    drawn = picture(evidence, signal, f"{known.title}, {known.unit}")
    return drawn[drawn.index("<svg") :]


def _present(present: Decided | None) -> str:
    return "what the workers' own settings say, never switched" if present is None else _said(present)


def _said(one: Decided) -> str:
    said = one.rules
    what = f"{said.name} ({said.file})" if said.name else "what the workers' own settings say"
    return escape(f"{what}, since {_moment(one.append_ts_ms)} by {said.actor}: {said.reason}")


def _end(found: Comparison) -> str:
    return _moment(found.until_ms) if found.until_ms else "nowhere: a partition has not been judged yet"


def _moment(ts_ms: int) -> str:
    if not ts_ms:
        return "the beginning"
    return datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
