"""The ward in a terminal: live screen, plain line for a pipe, summary. Pure: state in, text out."""

import math
from collections.abc import Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.metrics_scrape import Load
from edge.printing import cell
from edge.ward_state import QUIET, SEVERITIES, Ward, severity_of
from streams.contracts.alert import Alert

# Never colour alone: each severity has its own shape and word too.
SHAPES: Final = {"high": "▲", "medium": "◆", "low": "■", "technical": "○", QUIET: "·"}
STYLES: Final = {
    "high": "bold white on red",
    "medium": "bold yellow",
    "low": "cyan",
    "technical": "magenta",
    QUIET: "green",
}
WORDS: Final = {"high": "high", "medium": "medium", "low": "low", "technical": "technical", QUIET: "quiet"}
_BAR_WIDTH_MAX: Final = 100
_ROWS_AROUND: Final = 10
"""Lines of the screen that are not alarms: title, bar, counts, load, frames of the panels."""


def render(
    ward: Ward, load: Load, elapsed_s: float, now_ms: int, width: int, height: int, title: str = "Vigil"
) -> RenderableType:
    """Return the live screen.

    Args:
        ward: what the alerts say.
        load: what the workers say.
        elapsed_s: since readings flow, s.
        now_ms: the time up to which an open alarm's age counts, Unix epoch, ms.
        width: of the terminal, columns.
        height: of the terminal, lines.
        title: stands at the top left.
    """
    beds = ward.beds
    head = Group(_bar(beds, min(_BAR_WIDTH_MAX, max(10, width - 6))), _counts(beds), Text(), _load(load))
    ran = f"{clock(elapsed_s)} · {_plural(sum(beds.values()), 'bed')} · {_plural(load.workers, 'worker')}"
    return Group(
        Panel(
            head, title=f"[bold]{title}[/bold]  {ran}", title_align="left", border_style="dim", width=width
        ),
        _alarms(ward.open_alarms, now_ms, max(1, height - _ROWS_AROUND), width),
    )


def plain_line(ward: Ward, load: Load, elapsed_s: float) -> str:
    """Return one line for an output that is no terminal."""
    beds = ward.beds
    counts = ", ".join(f"{beds[severity]} {WORDS[severity]}" for severity in (*SEVERITIES, QUIET))
    return (
        f"{elapsed_s:5.0f} s | beds: {counts} | open alarms: {len(ward.open_alarms)} | "
        f"{_rate(load)} | alert latency {_latency(load)} | lag {_lag(load)}"
    ) + "".join(f" | {trouble}" for trouble in _troubles(load))


def status_data(ward: Ward, load: Load, elapsed_s: float) -> dict[str, object]:
    """Return the same as JSON data: latencies and lag in s, null = not known."""
    return {
        "elapsed_s": round(elapsed_s, 1),
        "beds": dict(ward.beds),
        "open_alarms": len(ward.open_alarms),
        "alarms_started": dict(ward.started),
        "alarms_ended": dict(ward.ended),
        "frames": load.frames,
        "frames_per_s": None if load.frames_per_s is None else round(load.frames_per_s, 1),
        "dead_letters": load.dead_letters,
        "worker_restarts": load.restarts,
        "latency_p50_s": _finite(load.latency_p50_s),
        "latency_p99_s": _finite(load.latency_p99_s),
        "lag_frames": load.lag_frames,
        "lag_s": _finite(load.lag_s),
    }


def summary(ward: Ward, load: Load, elapsed_s: float) -> str:
    """Return the last lines of a run."""
    return "\n".join(
        [
            f"after {elapsed_s:.0f} s: {load.frames:,} frames from {_plural(sum(ward.beds.values()), 'bed')}",
            f"alarms started: {_by_severity(ward.started)}",
            f"alarms ended:   {_by_severity(ward.ended)}",
            f"alert latency:  {_latency(load)} (from the broker's append to the alert)",
            f"dead letters:   {load.dead_letters:,}",
            *([f"worker restarts: {load.restarts}"] if load.restarts else []),
        ]
    )


def clock(seconds: float) -> str:
    """Return a duration as m:ss or h:mm:ss."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _bar(beds: Mapping[str, int], width: int) -> Text:
    """One line in which every severity takes its share of the beds; none with a bed is left out."""
    total = max(1, sum(beds.values()))
    present = [severity for severity in (*SEVERITIES, QUIET) if beds[severity]]
    cells = {severity: max(1, math.floor(width * beds[severity] / total)) for severity in present}
    if present:
        widest = max(present, key=lambda severity: cells[severity])
        cells[widest] = max(1, cells[widest] + width - sum(cells.values()))
    bar = Text()
    for severity in present:
        bar.append(SHAPES[severity] * cells[severity], STYLES[severity])
    return bar


def _counts(beds: Mapping[str, int]) -> Text:
    line = Text()
    for severity in (*SEVERITIES, QUIET):
        style = STYLES[severity] if beds[severity] else "dim"
        line.append(f" {SHAPES[severity]} {beds[severity]} {WORDS[severity]} ", style).append("  ")
    return line


def _load(load: Load) -> Text:
    line = Text(f" {_rate(load)}   alert latency {_latency(load)}   lag {_lag(load)}")
    for trouble in _troubles(load):
        line.append("   ").append(trouble, "bold red")
    return line


def _troubles(load: Load) -> list[str]:
    counts = {"dead letters": load.dead_letters, "worker restarts": load.restarts}
    return [f"{name} {count:,}" for name, count in counts.items() if count]


def _alarms(alarms: list[Alert], now_ms: int, rows: int, width: int) -> RenderableType:
    shown = alarms[:rows]
    table = Table(expand=True, box=None, padding=(0, 1), pad_edge=False)
    table.add_column("severity", no_wrap=True)
    table.add_column("bed", no_wrap=True)
    table.add_column("for", justify="right", no_wrap=True)
    table.add_column("what", ratio=1, no_wrap=True, overflow="ellipsis")
    for alert in shown:
        severity = severity_of(alert)
        table.add_row(
            Text(f" {SHAPES[severity]} {WORDS[severity]} ", STYLES[severity]),
            cell(alert.patient),
            Text(clock((now_ms - alert.onset_ts_ms) / 1000)),
            cell(alert.reason),
        )
    more = f", the {len(shown)} most severe" if len(shown) < len(alarms) else ""
    body: RenderableType = table if shown else Text(" no open alarm", "dim")
    return Panel(
        body, title=f"open alarms: {len(alarms)}{more}", title_align="left", border_style="dim", width=width
    )


def _by_severity(counts: Mapping[str, int]) -> str:
    parts = ", ".join(f"{counts[severity]:,} {WORDS[severity]}" for severity in SEVERITIES)
    return f"{sum(counts.values()):,} ({parts})"


def _rate(load: Load) -> str:
    return "- frames/s" if load.frames_per_s is None else f"{load.frames_per_s:,.0f} frames/s"


def _latency(load: Load) -> str:
    return f"p50 {duration(load.latency_p50_s)}, p99 {duration(load.latency_p99_s)}"


def _lag(load: Load) -> str:
    if load.lag_frames is None:
        return "-"
    return _plural(load.lag_frames, "frame") + ("" if load.lag_s is None else f", {load.lag_s:.1f} s")


def duration(seconds: float | None) -> str:
    """Return a time that something took, in ms below a second; None = not known."""
    if seconds is None:
        return "-"
    if math.isinf(seconds):
        return "beyond the scale"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def _plural(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"
