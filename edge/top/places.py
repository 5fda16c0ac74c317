"""Where `vigil top` asks: workers' ports counted up, and beside them gateway, delivery and sender; or given URLs."""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from edge.metrics_scrape import metrics_url
from streams.config.settings import Settings
from streams.errors import UsageError

PLACES_MAX: Final = 128
PORT_MAX: Final = 65_535

Kind = Literal["worker", "gateway", "delivery", "sender"]


@dataclass(frozen=True, slots=True)
class Place:
    """One process that is asked.

    `kind` is what is expected there, None = whatever answers; one that `may_be_missing` is no trouble before it has
    answered for the first time.
    """

    url: str
    kind: Kind | None = None
    may_be_missing: bool = False

    @property
    def name(self) -> str:
        """Return how it is called on a screen: host and port, of this machine the port alone."""
        found = urlsplit(self.url)
        return found.netloc.removeprefix("127.0.0.1") or self.url


def places_of(settings: Settings, workers: int) -> list[Place]:
    """Return the places of a machine with so many workers, whose ports are counted up as `vigil worker` does.

    Raises:
        UsageError: there are not so many ports, or nobody can know which port a process has taken.
    """
    host, first = settings.metrics_host, settings.metrics_port
    if first == 0:
        raise UsageError("metrics_port: 0 is any free one; say with --metrics URL where the workers answer")
    if first + workers - 1 > PORT_MAX:
        raise UsageError(f"metrics_port: {workers} workers need ports up to {first + workers - 1}")
    beside: dict[Kind, int] = {
        "gateway": settings.gateway_metrics_port,
        "delivery": settings.delivery_metrics_port,
        "sender": settings.channels_metrics_port,
    }
    ours = [Place(metrics_url(host, first + place), "worker") for place in range(workers)]
    taken = {place.url for place in ours}
    others = [Place(metrics_url(host, port), kind, True) for kind, port in beside.items() if port]
    return ours + [place for place in others if place.url not in taken]


def places_at(urls: tuple[str, ...]) -> list[Place]:
    """Return the places at URLs; `host:port` alone is /metrics there.

    Raises:
        UsageError: one is no address over HTTP, or they are too many.
    """
    if len(urls) > PLACES_MAX:
        raise UsageError(f"--metrics: {len(urls)} processes, at most {PLACES_MAX} are shown")
    return [Place(_url(text)) for text in dict.fromkeys(urls)]


def _url(text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    try:
        found = urlsplit(url)
        is_one = found.scheme in ("http", "https") and bool(found.hostname) and (found.port or 1) > 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        is_one = False
    if not is_one:
        raise UsageError(
            f"--metrics: {text!r} is neither host:port nor a URL such as http://host:9464/metrics"
        )
    return url if found.path.strip("/") else url.rstrip("/") + "/metrics"
