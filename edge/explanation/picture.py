"""An explained alert as a picture (SVG)."""

from edge.explanation.evidence import Evidence
from edge.explanation.terminal import bounds, limits_of, moment, readings_of, started_ms
from edge.svg import STYLE, Plot

WIDTH, HEIGHT = 900, 360
HEAD_PX = 78
BACKGROUND = "#ffffff"


def picture(evidence: Evidence, signal: str, title: str) -> str:
    """Return the signal around the alert, its limits, the onset and the start as an SVG file."""
    alert = evidence.alert
    readings, limits = readings_of(evidence, signal), limits_of(alert)
    y = bounds((value for _, value in readings), limits)
    span_s = (evidence.last_ms - evidence.first_ms) / 1000
    plot = Plot((0.0, span_s), y, WIDTH, HEIGHT, (52, HEAD_PX, 16, 36))
    plot.parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{BACKGROUND}"/>')
    plot.text(12, 18, alert.reason)
    plot.text(
        12, 34, f"{alert.patient}, {alert.rule}, {alert.phase}, {alert.priority}, {alert.id}", kind="dim"
    )
    plot.axes(f"s from {moment(evidence.first_ms)}", "")
    plot.text(12, HEAD_PX - 24, title, kind="dim")
    for limit in limits:
        plot.across(limit.value, "limit", f"{limit.name} {limit.value:g}")
    marks = ((alert.onset_ts_ms, "onset", "onset", "end"), (started_ms(evidence), "mark", "start", "start"))
    for t_ms, kind, label, anchor in marks:
        if t_ms is not None and evidence.first_ms <= t_ms <= evidence.last_ms:
            plot.upright((t_ms - evidence.first_ms) / 1000, kind, label, anchor)
    plot.line((((t_ms - evidence.first_ms) / 1000, value) for t_ms, value in readings), "second")
    return plot.svg(f"{alert.id}: {alert.reason}", STYLE)
