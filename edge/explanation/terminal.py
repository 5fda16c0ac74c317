"""An explained alert on a terminal: the sentence, the numbers, a plot of Braille dots and the other signals."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from clinical.vitals import INDEX, SIGNALS
from edge.explanation.evidence import Evidence
from edge.printing import cell, printable
from streams.contracts.alert import Alert

PLOT_ROWS: Final = 12
LABEL_COLUMNS: Final = 8
PLOT_COLUMNS_MIN: Final = 20
PLOT_COLUMNS_MAX: Final = 120
BRAILLE: Final = 0x2800
DOTS: Final = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bit of each dot of a Braille cell: two columns of four rows."""

NO_READING: Final = "x"
JOIN_MS: Final = 5_000
"""Readings further apart stay single dots: nothing is known of the time between them."""

STYLES: Final = {"high": "bold red", "medium": "bold yellow", "low": "bold cyan"}


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that was in force."""

    name: str
    value: float


def limits_of(alert: Alert) -> list[Limit]:
    """Return the alert's limits, in the unit of its signal."""
    own = (("low", alert.evidence.low), ("high", alert.evidence.high))
    return [Limit(name, value) for name, value in own if value is not None]


def started_ms(evidence: Evidence) -> int | None:
    """Return when the alarm started, None if its start was not found."""
    starts = [event.event_ts_ms for event in evidence.events if event.phase == "start"]
    return starts[0] if starts else None


def readings_of(evidence: Evidence, signal: str) -> list[tuple[int, float]]:
    """Return (time in ms, value) of the frames that carry the signal, NaN = no valid reading."""
    return [(one.t_ms, one.signals[signal]) for one in evidence.moments if signal in one.signals]


def bounds(values: Iterable[float], limits: Sequence[Limit]) -> tuple[float, float]:
    """Return the ends of an axis that holds values and limits with some room."""
    finite = [value for value in (*values, *(limit.value for limit in limits)) if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    room = max((high - low) * 0.08, 1.0)
    return low - room, high + room


def headline(evidence: Evidence) -> Text:
    """Return who, what and why in three lines."""
    alert = evidence.alert
    text = Text()
    text.append(f"{alert.priority} ", STYLES[alert.priority])
    text.append(f"{alert.type} alarm {printable(alert.rule)} of {printable(alert.patient)}: {alert.phase}\n")
    text.append(f"{printable(alert.reason)}\n", "bold")
    text.append(f"{printable(alert.id)}, {printable(alert.event)}\n", "dim")
    return text


def facts(evidence: Evidence) -> Table:
    """Return the numbers and times as a table of two columns."""
    alert, own = evidence.alert, evidence.alert.evidence
    unit = f" {alert.source.unit}" if alert.source.unit else ""
    table = Table.grid(padding=(0, 2))
    table.add_row("onset", moment(alert.onset_ts_ms))
    for event in evidence.events:
        late_s = (event.event_ts_ms - event.onset_ts_ms) / 1000
        table.add_row(event.phase, f"{moment(event.event_ts_ms)}, {late_s:g} s after the onset")
    for name, value, after in (
        ("value", own.value, unit),
        ("worst so far", own.extreme, unit),
        ("lower limit", own.low, unit),
        ("upper limit", own.high, unit),
        ("delay", own.delay_s, " s"),
        ("without data", own.silent_s, " s"),
    ):
        if value is not None:
            table.add_row(name, cell(f"{value:g}{after}"))
    if own.bound:
        table.add_row("worst so far", cell(f"{own.bound}{unit}"))
    if own.missing:
        table.add_row("missing", cell(", ".join(own.missing)))
    if alert.source.device:
        table.add_row("device", cell(alert.source.device))
    if evidence.by_append:
        table.add_row("times", "the broker's: the device's clock is not believed")
    return table


def moment(t_ms: int) -> str:
    """Return a time for people, UTC."""
    return datetime.fromtimestamp(t_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def plot(evidence: Evidence, signal: str, columns: int) -> Text:
    """Return the signal's readings with its limits, the onset and the start, `columns` wide."""
    wide = min(PLOT_COLUMNS_MAX, max(PLOT_COLUMNS_MIN, columns - LABEL_COLUMNS))
    readings = readings_of(evidence, signal)
    limits = limits_of(evidence.alert) if evidence.alert.source.name == signal else []
    low, high = bounds((value for _, value in readings), limits)
    cells = _dots(readings, (evidence.first_ms, evidence.last_ms), (low, high), wide)
    columns_of = {"onset": _column(evidence, evidence.alert.onset_ts_ms, wide)}
    if (start := started_ms(evidence)) is not None:
        columns_of["start"] = _column(evidence, start, wide)
    rows_of = {_row(limit.value, low, high): limit for limit in limits}
    text = Text()
    for row in range(PLOT_ROWS):
        limit = rows_of.get(row)
        if limit is not None:
            text.append(f"{limit.value:>7g} ", "red")
        else:
            label = {0: f"{high:.0f}", PLOT_ROWS - 1: f"{low:.0f}"}.get(row, "")
            text.append(f"{label:>7} ", "dim")
        for column in range(wide):
            text.append(*_cell(cells[row][column], row, column, columns_of, limit is not None))
        text.append("\n")
    text.append(" " * LABEL_COLUMNS)
    text.append("".join(_lost(readings, evidence, wide)), "magenta")
    text.append("\n")
    return text + _legend(evidence, signal, wide)


def _cell(
    bits: int, row: int, column: int, columns_of: dict[str, int | None], limit: bool
) -> tuple[str, str]:
    if bits:
        return chr(BRAILLE + bits), "bold cyan"
    if column == columns_of.get("start"):
        return "│", "red"
    if column == columns_of["onset"]:
        return "┊", "yellow"
    return ("╌", "red") if limit else (" ", "")


def _legend(evidence: Evidence, signal: str, wide: int) -> Text:
    unit = SIGNALS[INDEX[signal]].unit
    span_s = (evidence.last_ms - evidence.first_ms) / 1000
    text = Text(" " * LABEL_COLUMNS)
    text.append(f"{SIGNALS[INDEX[signal]].title}, {unit}, {span_s:g} s  ", "dim")
    for mark, style, meaning in (
        ("┊", "yellow", "onset"),
        ("│", "red", "start"),
        ("╌", "red", "limit"),
        (NO_READING, "magenta", "no reading"),
    ):
        text.append(mark, style)
        text.append(f" {meaning}  ", "dim")
    text.append("\n")
    return text


def _column(evidence: Evidence, t_ms: int, wide: int) -> int | None:
    if not evidence.first_ms <= t_ms <= evidence.last_ms:
        return None
    return min(wide - 1, (t_ms - evidence.first_ms) * wide // (evidence.last_ms - evidence.first_ms))


def _row(value: float, low: float, high: float) -> int:
    return min(PLOT_ROWS - 1, int((high - value) / (high - low) * PLOT_ROWS))


def _dots(
    readings: Sequence[tuple[int, float]], x: tuple[int, int], y: tuple[float, float], wide: int
) -> list[list[int]]:
    """Return the Braille bits of each cell, rows from the top."""
    cells = [[0] * wide for _ in range(PLOT_ROWS)]
    before: tuple[int, int, int] | None = None
    for t_ms, value in readings:
        if not math.isfinite(value):
            before = None
            continue
        across = min(2 * wide - 1, (t_ms - x[0]) * 2 * wide // (x[1] - x[0]))
        down = min(4 * PLOT_ROWS - 1, int((y[1] - value) / (y[1] - y[0]) * 4 * PLOT_ROWS))
        joined = before is not None and t_ms - before[0] <= JOIN_MS
        for dot_across, dot_down in _between(
            before[1:] if joined and before else (across, down), (across, down)
        ):
            cells[dot_down // 4][dot_across // 2] |= DOTS[dot_across % 2][dot_down % 4]
        before = t_ms, across, down
    return cells


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for step in range(steps + 1):
        yield (
            start[0] + round((end[0] - start[0]) * step / steps),
            start[1] + round((end[1] - start[1]) * step / steps),
        )


def _lost(readings: Sequence[tuple[int, float]], evidence: Evidence, wide: int) -> list[str]:
    """Return the row below the plot: where the signal was attached without a reading."""
    row = [" "] * wide
    for t_ms, value in readings:
        column = _column(evidence, t_ms, wide)
        if math.isnan(value) and column is not None:
            row[column] = NO_READING
    return row


def arrivals(evidence: Evidence, columns: int) -> Text:
    """Return a strip of the frames' arrivals: for an alarm about a device or a score."""
    wide = min(PLOT_COLUMNS_MAX, max(PLOT_COLUMNS_MIN, columns - LABEL_COLUMNS))
    counts = [0] * wide
    for one in evidence.moments:
        if (column := _column(evidence, one.t_ms, wide)) is not None:
            counts[column] += 1
    most = max(counts, default=0) or 1
    strip = "".join(" ▁▂▃▄▅▆▇█"[math.ceil(count / most * 8)] for count in counts)
    text = Text(f"{'frames':>7} ", "dim")
    text.append(strip, "cyan")
    marks = [" "] * wide
    for t_ms, mark in ((evidence.alert.onset_ts_ms, "┊"), (started_ms(evidence), "│")):
        if t_ms is not None and (column := _column(evidence, t_ms, wide)) is not None:
            marks[column] = mark
    text.append("\n" + " " * LABEL_COLUMNS)
    text.append("".join(marks), "yellow")
    text.append("\n" + " " * LABEL_COLUMNS + "┊ onset  │ start\n", "dim")
    return text


def signals_table(evidence: Evidence) -> Table:
    """Return every signal of the frames: last reading up to the event, lowest and highest around it."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("signal", "at the event", "lowest", "highest", "unit", "readings", "missing"):
        table.add_column(name, justify="left" if name in ("signal", "unit") else "right")
    for signal in SIGNALS:
        readings = readings_of(evidence, signal.name)
        if not readings:
            continue
        valid = [value for _, value in readings if math.isfinite(value)]
        until = [
            value for t_ms, value in readings if t_ms <= evidence.alert.event_ts_ms and math.isfinite(value)
        ]
        table.add_row(
            signal.title,
            f"{until[-1]:g}" if until else "-",
            f"{min(valid):g}" if valid else "-",
            f"{max(valid):g}" if valid else "-",
            signal.unit,
            str(len(valid)),
            str(len(readings) - len(valid)),
        )
    return table
