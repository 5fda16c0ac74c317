"""How the processes are shown: tables of a screen, plain tables for scripts, JSON. Pure: processes in, text out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Final, NamedTuple

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.printing import cell
from edge.top.places import Kind
from edge.top.top_rows import Row, WorkerRow
from edge.top.top_troubles import troubles
from edge.top.watched import Watched
from edge.ward_view import duration

WIDE: Final = 110
"""Columns from which on there is room for all figures."""

TITLES: Final[dict[Kind, str]] = {
    "worker": "workers",
    "gateway": "gateway",
    "delivery": "delivery",
    "sender": "sender",
}
SILENT, READY, WAITS, ANSWERS = "✖ silent", "● ready", "○ waits", "● answers"
"""States: a shape and a word each, never colour alone."""

STYLES: Final = {SILENT: "bold red", READY: "green", WAITS: "yellow", ANSWERS: "green"}
TROUBLES_MAX: Final = 6
"""Lines of what is wrong that a screen shows; further ones are counted."""

_AROUND: Final = 4
"""Lines of a table that are no rows: its frame and its titles."""

_BESIDE: Final = 6
"""Columns of a table that are no cells: its frame, and behind name and state."""

_NAME_MIN: Final = 6


class Column(NamedTuple):
    """A figure: what stands above it, what it is of a row, and whether narrow screens leave it out."""

    title: str
    shown: Callable[[Any], str]
    is_wide: bool = False


def _rate(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if 0 < value < 10 else f"{value:,.0f}"


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"


def _latency(value: float | None) -> str:
    return "> scale" if value is not None and math.isinf(value) else duration(value)


def _bytes(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:,.0f} MB"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value * 100:.0f} %"


_PROCESS: Final = (
    Column("memory", lambda row: _bytes(row.memory_bytes)),
    Column("cpu", lambda row: _share(row.cpu_share), is_wide=True),
)

COLUMNS: Final[dict[Kind, tuple[Column, ...]]] = {
    "worker": (
        Column("frames/s", lambda row: _rate(row.frames_per_s)),
        Column("lag", lambda row: _seconds(row.lag_s)),
        Column("waiting", lambda row: f"{row.lag_records:,}", is_wide=True),
        Column("p50", lambda row: _latency(row.alert_p50_s)),
        Column("p99", lambda row: _latency(row.alert_p99_s)),
        Column("alerts/s", lambda row: _rate(row.alerts_per_s)),
        Column("parts", lambda row: f"{row.partitions:,}"),
        Column("patients", lambda row: f"{row.patients:,}", is_wide=True),
        Column("saved", lambda row: _seconds(row.checkpoint_age_s)),
        Column("dead", lambda row: f"{row.dead_letters:,}"),
        *_PROCESS,
    ),
    "gateway": (
        Column("accepted/s", lambda row: _rate(row.accepted_per_s)),
        Column("refused/s", lambda row: _rate(row.refused_per_s)),
        Column("p50", lambda row: _latency(row.ack_p50_s), is_wide=True),
        Column("p99", lambda row: _latency(row.ack_p99_s)),
        Column("clients", lambda row: f"{row.clients:,}"),
        Column("spooled", lambda row: f"{row.spool_records:,}"),
        Column("spool", lambda row: _bytes(row.spool_bytes), is_wide=True),
        *_PROCESS,
    ),
    "delivery": (
        Column("open", lambda row: f"{row.open:,}"),
        Column("oldest", lambda row: _seconds(row.oldest_s)),
        Column("nobody", lambda row: f"{row.failed + row.unassigned:,}"),
        Column("p50", lambda row: _latency(row.taken_p50_s), is_wide=True),
        Column("p99", lambda row: _latency(row.taken_p99_s)),
        Column("waiting", lambda row: f"{row.lag_records:,}"),
        Column("parts", lambda row: f"{row.partitions:,}"),
        *_PROCESS,
    ),
    "sender": (
        Column("tries/s", lambda row: _rate(row.tries_per_s)),
        Column("waiting", lambda row: f"{row.waiting:,}"),
        Column("given up", lambda row: f"{row.given_up:,}"),
        Column("alone", lambda row: f"{row.channels_left_alone:,}"),
        Column("p50", lambda row: _latency(row.first_p50_s), is_wide=True),
        Column("p99", lambda row: _latency(row.first_p99_s)),
        Column("parts", lambda row: f"{row.partitions:,}"),
        *_PROCESS,
    ),
}


def render(
    processes: Sequence[Watched], now_s: float, wall_s: float, width: int, height: int
) -> RenderableType:
    """Return the screen.

    Args:
        processes: all that are asked.
        now_s: monotonic time, s.
        wall_s: the same moment, Unix epoch, s.
        width: of the terminal, columns.
        height: of the terminal, lines.
    """
    wrong = troubles(processes, now_s, wall_s)
    found = {kind: of for kind in TITLES if (of := _shown(processes, kind))}
    away = [f"{p.place.kind} {p.place.name}" for p in processes if p.is_missing]
    beside = sum(len(of) + _AROUND for kind, of in found.items() if kind != "worker")
    room = height - beside - min(len(wrong), TROUBLES_MAX + 1) - 2 - bool(away)
    tables = [_panel(kind, of, width, max(1, room - _AROUND)) for kind, of in found.items()]
    lines = [Text(f" not running: {', '.join(away)}", "dim")] if away else []
    return Group(_head(wrong), *tables, *lines)


def plain(processes: Sequence[Watched], now_s: float, wall_s: float) -> list[str]:
    """Return the lines of tables without colours or frames, all figures in them, then what is wrong."""
    lines: list[str] = []
    for kind in TITLES:
        if not (of := _shown(processes, kind)):
            continue
        rows = [[kind, "state", *(column.title for column in COLUMNS[kind])]]
        for process in of:
            figures = [figure.replace(" ", "") for figure in _figures(process, COLUMNS[kind])]
            rows.append([process.place.name, state_of(process).split()[1], *figures])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [_line(row, widths) for row in rows]
    return lines + troubles(processes, now_s, wall_s)


def data(process: Watched, now_s: float) -> dict[str, object]:
    """Return a process as JSON data: times in s, null = not known, and infinity, above the scale, as null too."""
    row, since_s = process.row(), process.silent_since_s
    figures: dict[str, Any] = {} if row is None else asdict(row)
    return {
        "metrics": process.place.url,
        "kind": process.kind,
        "answers": since_s is None,
        "silent_s": None if since_s is None else round(now_s - since_s, 3),
        **{name: _finite(value) for name, value in figures.items()},
    }


def state_of(process: Watched) -> str:
    """Return how a process is in a shape and a word."""
    row = process.row()
    if row is None:
        return SILENT
    is_ready = getattr(row, "is_ready", getattr(row, "kafka_takes", None))
    return ANSWERS if is_ready is None else READY if is_ready else WAITS


def _shown(processes: Sequence[Watched], kind: Kind) -> list[Watched]:
    return [p for p in processes if p.kind == kind and not p.is_missing]


def _head(wrong: Sequence[str]) -> RenderableType:
    if not wrong:
        return Text(" ● nothing is wrong", "green")
    lines = [cell(f" ▲ {line}", "bold red") for line in wrong[:TROUBLES_MAX]]
    if len(wrong) > TROUBLES_MAX:
        lines.append(Text(f" ▲ and {len(wrong) - TROUBLES_MAX} more", "bold red"))
    return Group(*lines)


def _panel(kind: Kind, of: Sequence[Watched], width: int, rows: int) -> RenderableType:
    is_wide = width >= WIDE
    columns = [column for column in COLUMNS[kind] if is_wide or not column.is_wide]
    table = Table(expand=True, box=None, padding=(0, 1, 0, 0), pad_edge=False)
    # Where not all fit, those that are not well are shown.
    shown = of if len(of) <= rows else sorted(of, key=lambda p: (state_of(p) == READY, -_lag_s(p)))[:rows]
    figures = [_figures(process, columns) for process in shown]
    needed = [
        max(map(len, cells)) for cells in zip([column.title for column in columns], *figures, strict=True)
    ]
    # A name is cut short where there is no room, a figure never.
    left = width - _BESIDE - len(ANSWERS) - sum(needed) - len(needed)
    table.add_column(kind, no_wrap=True, overflow="ellipsis", max_width=max(_NAME_MIN, left))
    table.add_column("state", no_wrap=True, min_width=len(SILENT))
    for column, least in zip(columns, needed, strict=True):
        table.add_column(column.title, justify="right", no_wrap=True, min_width=least)
    for process, row in zip(shown, figures, strict=True):
        state = state_of(process)
        table.add_row(cell(process.place.name), Text(state, STYLES[state]), *row)
    more = f", {len(shown)} shown" if len(shown) < len(of) else ""
    title = f"{TITLES[kind]}: {_sum_of(kind, of)}{more}"
    return Panel(table, title=title, title_align="left", border_style="dim", width=width)


def _sum_of(kind: Kind, of: Sequence[Watched]) -> str:
    rows = [row for process in of if (row := process.row())]
    workers = [row for row in rows if isinstance(row, WorkerRow)]
    said = f"{len(rows)} of {len(of)} answer"
    if kind == "worker":
        partitions, frames_per_s = (
            sum(r.partitions for r in workers),
            sum(r.frames_per_s or 0 for r in workers),
        )
        said += f", {partitions:,} partitions, {_rate(frames_per_s)} frames/s"
    return said


def _figures(process: Watched, columns: Sequence[Column]) -> list[str]:
    row = process.row()
    return [column.shown(row) if row else "-" for column in columns]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    left = [text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True)]
    return "  ".join([*left, *(text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True))])


def _lag_s(process: Watched) -> float:
    row: Row | None = process.row()
    return getattr(row, "lag_s", 0.0)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
