"""Plots as SVG text: scales, axes, lines and bars, without a library. Colours are classes that `STYLE` gives."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

STYLE: Final = """
svg { font: 11px system-ui, sans-serif; max-width: 100%; height: auto; }
svg text { fill: var(--ink, #1f2933); }
svg .dim { fill: var(--dim, #6b7785); }
svg .grid { stroke: var(--grid, #dde3ea); stroke-width: 1; }
svg .axis { stroke: var(--dim, #6b7785); stroke-width: 1; }
svg .line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
svg .first { stroke: var(--first, #b4690e); } svg rect.first { fill: var(--first, #b4690e); stroke: none; }
svg .second { stroke: var(--second, #0b6e8f); } svg rect.second { fill: var(--second, #0b6e8f); stroke: none; }
svg .third { stroke: var(--dim, #6b7785); }
svg .limit { stroke: var(--alarm, #c0262d); stroke-width: 1; stroke-dasharray: 4 3; }
svg .mark { stroke: var(--alarm, #c0262d); stroke-width: 1.4; }
svg .onset { stroke: var(--first, #b4690e); stroke-width: 1.4; stroke-dasharray: 2 2; }
svg .band { fill: var(--alarm, #c0262d); opacity: 0.1; }
svg .dot { fill: var(--second, #0b6e8f); }
"""

TICKS_MAX: Final = 6


@dataclass(slots=True)
class Plot:
    """A plot area in data coordinates inside a picture of `width` x `height` pixels.

    `x` and `y` are (from, to); `margins` are left, top, right, bottom in pixels; with `log_x` the x axis is
    logarithmic.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 640
    height: int = 240
    margins: tuple[int, int, int, int] = (46, 12, 12, 34)
    log_x: bool = False
    parts: list[str] = field(default_factory=list)

    def px(self, value: float) -> float:
        """Return the pixel of an x value."""
        low, high, at = (math.log10(one) for one in (*self.x, value)) if self.log_x else (*self.x, value)
        left, right = self.margins[0], self.width - self.margins[2]
        return left + (at - low) / ((high - low) or 1) * (right - left)

    def py(self, value: float) -> float:
        """Return the pixel of a y value."""
        low, high = self.y
        top, bottom = self.margins[1], self.height - self.margins[3]
        return bottom - (value - low) / ((high - low) or 1) * (bottom - top)

    def line(self, points: Iterable[tuple[float, float]], kind: str) -> None:
        """Draw a line through the points; one that is not finite breaks it, and a point alone is drawn as a dot."""
        for stretch in _stretches(points):
            if len(stretch) == 1:
                self.dot(*stretch[0])
                continue
            path = " ".join(f"{self.px(x):.1f},{self.py(y):.1f}" for x, y in stretch)
            self.parts.append(f'<polyline class="line {kind}" points="{path}"/>')

    def dot(self, x: float, y: float) -> None:
        """Draw one reading."""
        self.parts.append(f'<circle class="dot" cx="{self.px(x):.1f}" cy="{self.py(y):.1f}" r="1.8"/>')

    def across(self, y: float, kind: str, label: str = "") -> None:
        """Draw a horizontal line, its label at the right end."""
        at = self.py(y)
        right = self.width - self.margins[2]
        self.segment((self.margins[0], at), (right, at), kind)
        self.text(right - 3, at - 3, label, anchor="end", kind="dim")

    def upright(self, x: float, kind: str, label: str = "", anchor: str = "start") -> None:
        """Draw a vertical line, its label above it, on its right side or, with anchor "end", on its left."""
        at = self.px(x)
        self.segment((at, self.margins[1]), (at, self.height - self.margins[3]), kind)
        self.text(at + (-2 if anchor == "end" else 2), self.margins[1] - 3, label, anchor=anchor)

    def shade(self, first: float, last: float, kind: str = "band") -> None:
        """Shade a stretch of the x axis."""
        left, right = self.px(first), self.px(last)
        top, bottom = self.margins[1], self.height - self.margins[3]
        self.box(left, top, max(1.0, right - left), bottom - top, kind)

    def axes(self, x_label: str, y_label: str, x_ticks: Sequence[tuple[float, str]] | None = None) -> None:
        """Draw grid, ticks and labels of both axes."""
        bottom = self.height - self.margins[3]
        for value in ticks(*self.y):
            at = self.py(value)
            self.segment((self.margins[0], at), (self.width - self.margins[2], at), "grid")
            self.text(self.margins[0] - 5, at + 4, f"{value:g}", anchor="end", kind="dim")
        for value, label in x_ticks if x_ticks is not None else [(v, f"{v:g}") for v in ticks(*self.x)]:
            at = self.px(value)
            self.segment((at, bottom), (at, bottom + 4), "axis")
            self.text(at, bottom + 15, label, anchor="middle", kind="dim")
        self.segment((self.margins[0], bottom), (self.width - self.margins[2], bottom), "axis")
        self.text(
            (self.margins[0] + self.width - self.margins[2]) / 2, self.height - 4, x_label, "middle", "dim"
        )
        self.text(2, 11, y_label, kind="dim")

    def segment(self, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
        """Draw a line between two pixels."""
        (x1, y1), (x2, y2) = start, end
        self.parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def box(self, left: float, top: float, width: float, height: float, kind: str) -> None:
        """Draw a filled rectangle given in pixels."""
        self.parts.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
        )

    def text(self, x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> None:
        """Write at a pixel; nothing for an empty text."""
        if text:
            self.parts.append(
                f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
            )

    def svg(self, title: str, style: str = "") -> str:
        """Return the picture; `style` makes it complete in a file of its own."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" role="img"><title>{escape(title)}</title>'
        )
        inside = f"<style>{style}</style>" if style else ""
        return "\n".join([head + inside, *self.parts, "</svg>"])


def ticks(low: float, high: float) -> list[float]:
    """Return round values between two ends, at most `TICKS_MAX`."""
    if not high > low:
        return [low]
    raw = (high - low) / TICKS_MAX
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _stretches(points: Iterable[tuple[float, float]]) -> Iterable[list[tuple[float, float]]]:
    stretch: list[tuple[float, float]] = []
    for point in points:
        if math.isfinite(point[1]):
            stretch.append(point)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch
