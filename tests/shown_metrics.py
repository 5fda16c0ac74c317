"""What the program shows on its /metrics pages, as its registries declare it, and what an expression asks for."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import promql_parser as promql
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.utils import floatToGoString

from agents.delivery.metrics import DeliveryMetrics
from agents.health.metrics import SHADOWS, Metrics
from edge.board.metrics import BoardMetrics
from edge.channels.metrics import ChannelMetrics
from edge.gateway.metrics import GatewayMetrics
from edge.history.metrics import HistoryMetrics
from edge.identity.auditor import Auditor

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"

OF_THE_SCRAPE = {"job", "instance"}
"""Labels that Prometheus puts on every series."""

PATIENT_LABELS = {
    "patient",
    "device",
    "bed",
    "ward",
    "patient_id",
    "device_id",
    "episode",
    "alert_id",
    "client",
}


@dataclass(frozen=True)
class Shown:
    """Labels of each series, and the bounds of each histogram's buckets as they are written."""

    labels: dict[str, frozenset[str]]
    bounds: dict[str, frozenset[str]]


def registries():
    """Return the registry of each kind of process, by its job."""
    board = BoardMetrics().registry
    Auditor(board)  # people sign in there
    return {
        "vigil-worker": Metrics().registry,
        "vigil-shadow": Metrics(prefix=SHADOWS).registry,
        "vigil-gateway": GatewayMetrics().registry,
        "vigil-board": board,
        "vigil-delivery": DeliveryMetrics().registry,
        "vigil-channels": ChannelMetrics().registry,
        "vigil-history": HistoryMetrics().registry,
    }


def shown(registry: CollectorRegistry) -> Shown:
    """Return what a registry declares, also of metrics that have no sample yet, which no page shows."""
    labels, bounds = {}, {}
    for metric in registry._collector_to_names:  # nothing public tells the labels of what was not counted yet
        own = frozenset(metric._labelnames)
        if metric._type == "histogram":
            bounds[f"{metric._name}_bucket"] = frozenset(
                floatToGoString(bound) for bound in metric._upper_bounds
            )
            labels |= {f"{metric._name}_bucket": own | {"le"}}
            labels |= {f"{metric._name}_{part}": own for part in ("sum", "count")}
        else:
            labels[metric._name + ("_total" if metric._type == "counter" else "")] = own
    return Shown(labels, bounds)


def shown_by_all() -> Shown:
    """Return what all kinds of processes show together, and `up`, which Prometheus adds."""
    parts = [shown(registry) for registry in registries().values()]
    labels = {name: own for part in parts for name, own in part.labels.items()} | {"up": frozenset()}
    return Shown(labels, {name: own for part in parts for name, own in part.bounds.items()})


@dataclass
class Asked:
    """What an expression asks for: each selector's series and labels' values, and labels that it groups by."""

    selectors: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    grouped: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def names(self) -> set[str]:
        """All series that are asked for."""
        return {name for name, _ in self.selectors}

    def faults(self, there: Shown) -> list[str]:
        """Return what of this is not there."""
        faults = [f"no metric {name}" for name in sorted(self.names - there.labels.keys())]
        for name, values in self.selectors:
            if name in there.labels:
                known = there.labels[name] | OF_THE_SCRAPE
                faults += [
                    f"{name} has no label {label}" for label in (values.keys() | self.grouped[name]) - known
                ]
        return faults


def asked(expr: str) -> Asked:
    """Return what an expression asks for.

    Raises:
        ValueError: it is no expression.
    """
    found = Asked()
    _walk(promql.parse(expr.replace("$__rate_interval", "1m")), frozenset(), found)
    return found


def _walk(node, grouped, found):
    if isinstance(node, promql.MatrixSelector):
        node = node.vector_selector
    if isinstance(node, promql.VectorSelector):
        found.selectors.append((node.name, {one.name: one.value for one in node.matchers.matchers}))
        found.grouped[node.name] |= grouped
    elif isinstance(node, promql.AggregateExpr):
        modifier = node.modifier
        assert modifier is None or modifier.type == promql.AggModifierType.By, "without() hides what is left"
        _walk(node.expr, grouped | set(modifier.labels if modifier else ()), found)
    elif isinstance(node, promql.BinaryExpr):
        matching = node.modifier.matching if node.modifier else None
        named = grouped | set(matching.labels if matching else ())
        _walk(node.lhs, named, found)
        _walk(node.rhs, named, found)
    elif isinstance(node, promql.Call):
        for argument in node.args:
            _walk(argument, grouped, found)
    elif isinstance(node, promql.ParenExpr | promql.UnaryExpr | promql.SubqueryExpr):
        _walk(node.expr, grouped, found)
    else:
        assert isinstance(node, promql.NumberLiteral | promql.StringLiteral), type(node)


def labels_left(expr: str) -> set[str] | None:
    """Return which labels an expression's series still have; None = all that they had."""
    return _left(promql.parse(expr.replace("$__rate_interval", "1m")))


def _left(node):
    if isinstance(node, promql.AggregateExpr):
        if str(node.op) == "topk":
            return _left(node.expr)
        return set(node.modifier.labels) if node.modifier else set()
    if isinstance(node, promql.BinaryExpr):
        sides = [_left(side) for side in (node.lhs, node.rhs) if not _is_number(side)]
        known = [side for side in sides if side is not None]
        return set.intersection(*known) if known else None
    if isinstance(node, promql.Call):
        if node.func.name in ("absent", "vector"):
            return set()
        left = _left(node.args[-1])  # numbers come first
        return left - {"le"} if left is not None and node.func.name == "histogram_quantile" else left
    return _left(node.expr) if isinstance(node, promql.ParenExpr | promql.UnaryExpr) else None


def _is_number(node):
    return isinstance(node, promql.NumberLiteral) or (
        isinstance(node, promql.Call) and node.func.name == "time"
    )


def shipped_expressions():
    """Return every expression of the rules and dashboards that are shipped."""
    rules = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in DEPLOY.glob("prometheus/rules/*.yml")
    ]
    pages = [json.loads(path.read_text(encoding="utf-8")) for path in DEPLOY.glob("grafana/*.json")]
    found = [rule["expr"] for one in rules for group in one["groups"] for rule in group["rules"]]
    return found + [
        target["expr"] for page in pages for panel in page["panels"] for target in panel.get("targets", [])
    ]
