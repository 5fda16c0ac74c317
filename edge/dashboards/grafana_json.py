"""Panels, rows and dashboards, and the document that Grafana reads of them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

SCHEMA_VERSION: Final = 36
"""Of Grafana's dashboard document, as of 10.1; later ones read it."""

COLUMNS: Final = 24
"""Grafana's grid is so wide."""

HEIGHT: Final = 8
STAT_HEIGHT: Final = 4
REFRESH: Final = "10s"
"""Two scrapes (`deploy/prometheus/prometheus.yml`)."""

SHOWN: Final = "now-1h"
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}
"""The data source is chosen on the dashboard."""

GOOD, BAD, PLAIN = "green", "red", "text"

Unit = Literal["short", "s", "bytes", "cps", "percentunit", "bool"]
"""As Grafana names them; `cps` is anything a second."""


@dataclass(frozen=True, slots=True)
class Query:
    """One expression; `legend` names its series, with labels in double braces."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Series over time, or with `now` their last values as numbers.

    Args:
        title: in a few words.
        queries: at most 26, for each is named by a letter.
        about: what a reader does not see: shown where he points.
        unit: of all its series.
        width: columns of `COLUMNS`.
        now: numbers instead of curves.
        good_below: numbers from here on are bad; None = neither is.
        good_from: numbers below are bad; None = neither is.
    """

    title: str
    queries: Sequence[Query]
    about: str = ""
    unit: Unit = "short"
    width: int = 12
    now: bool = False
    good_below: float | None = None
    good_from: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading, from left to right and then below."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page; `name` is its file's and stands in its address, so it never changes."""

    name: str
    title: str
    about: str
    rows: Sequence[Row]


def document(dashboard: Dashboard) -> dict[str, Any]:
    """Return the dashboard as Grafana reads it."""
    return {
        "uid": dashboard.name,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["vigil"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "refresh": REFRESH,
        "time": {"from": SHOWN, "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "links": [
            {
                "title": "Vigil",
                "type": "dashboards",
                "tags": ["vigil"],
                "asDropdown": True,
                "includeVars": False,
                "keepTime": True,
                "targetBlank": False,
                "icon": "external link",
                "tooltip": "",
                "url": "",
            }
        ],
        "panels": _placed(dashboard.rows),
    }


def _placed(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the panels with a place each; none covers another."""
    found: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
        found.append(
            {"id": len(found) + 1, "type": "row", "title": row.title, "gridPos": place, "panels": []}
        )
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            height = STAT_HEIGHT if panel.now else HEIGHT
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": height}
            found.append({"id": len(found) + 1, "gridPos": place} | _drawn(panel))
            left, tallest = left + panel.width, max(tallest, height)
        top += tallest
    return found


def _drawn(panel: Panel) -> dict[str, Any]:
    looks = (_number if panel.now else _curves)(panel)
    return {
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "expr": query.expr,
                "legendFormat": query.legend,
                "datasource": SOURCE,
            }
            for number, query in enumerate(panel.queries)
        ],
    } | looks


def _curves(panel: Panel) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


def _number(panel: Panel) -> dict[str, Any]:
    return {
        "type": "stat",
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "noValue": "nothing is scraped",
                "thresholds": {"mode": "absolute", "steps": _steps(panel)},
            },
            "overrides": [],
        },
        "options": {
            "reduceOptions": {"values": False, "calcs": ["lastNotNull"]},
            "colorMode": "value",
            "graphMode": "area",
            "textMode": "auto",
            "orientation": "auto",
            "justifyMode": "auto",
        },
    }


def _steps(panel: Panel) -> list[dict[str, Any]]:
    """Return the colours from below to above; the first has no lower end."""
    if panel.good_below is not None:
        return [{"value": None, "color": GOOD}, {"value": panel.good_below, "color": BAD}]
    if panel.good_from is not None:
        return [{"value": None, "color": BAD}, {"value": panel.good_from, "color": GOOD}]
    return [{"value": None, "color": PLAIN}]
