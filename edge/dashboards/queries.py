"""Expressions that many panels share. Pure."""

from edge.dashboards.grafana_json import Query

WINDOW = "$__rate_interval"
"""Grafana's own: at least four scrapes, and more where an hour is a pixel."""


def per_second(metric: str, *by: str) -> str:
    """Return how often a second a counter of all processes rises, for each value of the labels `by`."""
    return f"{_sum(by)}(rate({metric}[{WINDOW}]))"


def quantiles(histogram: str, *by: str, shares: tuple[float, ...] = (0.5, 0.99)) -> list[Query]:
    """Return a query for each share of what a histogram of all processes has counted, for each value of `by`."""
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    buckets = f"{_sum(('le', *by))}(rate({histogram}_bucket[{WINDOW}]))"
    return [
        Query(f"histogram_quantile({share}, {buckets})", f"p{100 * share:g} {legend}".strip())
        for share in shares
    ]


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"
