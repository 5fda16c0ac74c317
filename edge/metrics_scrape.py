"""Reading the workers' /metrics: one scrape, and what many of them over time say about the load."""

import http.client
import math
import urllib.request
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

SCRAPE_TIMEOUT_S: Final = 1.0
SCRAPE_BYTES_MAX: Final = 4 * 1024 * 1024
RATE_WINDOW_S: Final = 5.0
"""Frames a second are counted over this long, so that single blocks do not show."""

RATE_POINTS_MAX: Final = 64
_CUMULATIVE: Final = ("_total", "_bucket", "_count", "_sum")
BEGAN: Final = "process_start_time_seconds"
MEMORY: Final = "process_resident_memory_bytes"
CPU: Final = "process_cpu_seconds_total"
"""What every process of ours says of itself (`streams.metrics_server`)."""


Labels = tuple[tuple[str, str], ...]
# Workers are on loopback: a proxy of the environment has no part in it.
_OPENER: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class Scrape:
    """All samples of one worker at one moment, by name and sorted labels."""

    samples: Mapping[tuple[str, Labels], float]

    def value(self, name: str) -> float | None:
        """Return the sample without labels; None if there is none."""
        return self.samples.get((name, ()))

    def all(self, name: str, *labels: tuple[str, str]) -> list[float]:
        """Return the samples of that name, those that have these labels."""
        return [
            value for (found, has), value in self.samples.items() if found == name and set(labels) <= set(has)
        ]

    def buckets(self, name: str) -> list[tuple[float, float]]:
        """Return the histogram of that name as (upper bound, cumulative count), rising; labels are summed over."""
        summed: dict[float, float] = {}
        for (found, labels), value in self.samples.items():
            if found == f"{name}_bucket":
                bound = float(dict(labels)["le"])
                summed[bound] = summed.get(bound, 0.0) + value
        return sorted(summed.items())


NOTHING: Final = Scrape({})


@dataclass(frozen=True, slots=True)
class Load:
    """What the workers carry, all together; None = not known yet."""

    workers: int = 0
    frames: int = 0
    frames_per_s: float | None = None
    dead_letters: int = 0
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    lag_frames: int | None = None
    lag_s: float | None = None
    restarts: int = 0


def metrics_url(host: str, port: int) -> str:
    """Return where a process of this machine that serves its metrics there is asked."""
    asked = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://{asked}:{port}/metrics"


def scrape(url: str, timeout_s: float = SCRAPE_TIMEOUT_S) -> Scrape | None:
    """Return what the worker at `url` says; None if it does not answer properly in time."""
    text = read(url, timeout_s)
    return None if text is None else parse(text)


def read(url: str, timeout_s: float = SCRAPE_TIMEOUT_S) -> str | None:
    """Return what is served at `url`; None if nobody answers properly in time.

    Where nobody listens yet, a connection on the loopback may meet itself and answer with what it was asked.
    """
    try:
        with _OPENER.open(url, timeout=timeout_s) as answer:
            text: str = answer.read(SCRAPE_BYTES_MAX).decode()
    except (OSError, http.client.HTTPException, UnicodeDecodeError):
        return None
    return text


def parse(text: str) -> Scrape | None:
    """Read the Prometheus text format; None if it is not that."""
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError:
        return None
    return Scrape(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }
    )


def began_again(before: Scrape, after: Scrape) -> bool:
    """Return whether the process behind two scrapes is another one at the second: all that it counts is then anew."""
    began, begins = before.value(BEGAN), after.value(BEGAN)
    if began is not None and begins is not None:
        return began != begins
    return any(
        after.samples.get(key, value) < value
        for key, value in before.samples.items()
        if key[0].endswith(_CUMULATIVE)
    )


def grown(before: Scrape, after: Scrape) -> Scrape:
    """Return by how much everything that is counted has grown between two scrapes of one place.

    One process's counts all begin anew at once, so a restart is seen by any of them and holds for all: a count that is
    beyond the old one already would else hide what it has grown by.
    """
    since = NOTHING.samples if began_again(before, after) else before.samples
    return Scrape(
        {
            key: value - since.get(key, 0.0)
            for key, value in after.samples.items()
            if key[0].endswith(_CUMULATIVE)
        }
    )


class LoadMeter:
    """Adds scrapes up over workers and over their restarts (a restarted worker counts from 0 again)."""

    def __init__(self) -> None:
        self._last: dict[str, Scrape] = {}
        self._totals: dict[tuple[str, Labels], float] = {}
        self._frames: deque[tuple[float, float]] = deque(maxlen=RATE_POINTS_MAX)

    def observe(self, scrapes: Mapping[str, Scrape | None], now_s: float) -> Load:
        """Take one scrape of each worker (by its address; None = no answer) and return the load.

        Args:
            scrapes: the latest answers.
            now_s: monotonic time, s.
        """
        answered = {url: samples for url, samples in scrapes.items() if samples is not None}
        for url, samples in answered.items():
            self._add(url, samples)
        counted = Scrape(self._totals)
        frames = sum(counted.all("vigil_frames_total"))
        self._frames.append((now_s, frames))
        buckets = counted.buckets("vigil_append_to_alert_seconds")
        return Load(
            workers=sum(samples.value("vigil_ready") == 1.0 for samples in answered.values()),
            frames=int(frames),
            frames_per_s=self._rate(now_s),
            dead_letters=int(sum(counted.all("vigil_dead_letters_total"))),
            latency_p50_s=quantile(buckets, 0.5),
            latency_p99_s=quantile(buckets, 0.99),
            lag_frames=None if not answered else int(sum(_of_all(answered.values(), "vigil_lag_frames"))),
            lag_s=max(_of_all(answered.values(), "vigil_lag_seconds"), default=None),
        )

    def _add(self, url: str, samples: Scrape) -> None:
        for key, value in grown(self._last.get(url, NOTHING), samples).samples.items():
            self._totals[key] = self._totals.get(key, 0.0) + value
        self._last[url] = samples

    def _rate(self, now_s: float) -> float | None:
        while len(self._frames) > 2 and self._frames[1][0] <= now_s - RATE_WINDOW_S:
            self._frames.popleft()
        (first_s, first), (last_s, last) = self._frames[0], self._frames[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else None


def quantile(buckets: Sequence[tuple[float, float]], share: float) -> float | None:
    """Return the value below which `share` of a histogram lies, linear inside a bucket.

    Args:
        buckets: (upper bound, cumulative count), rising, the last bound infinite.
        share: 0 to 1.

    Returns:
        None for an empty histogram; infinity where the value is above the last finite bound.
    """
    if not buckets or buckets[-1][1] <= 0:
        return None
    wanted = share * buckets[-1][1]
    below, bound_below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > below:
            if math.isinf(bound):
                return math.inf
            return bound_below + (bound - bound_below) * (wanted - below) / (count - below)
        below, bound_below = count, bound
    return math.inf


def _of_all(scrapes: Iterable[Scrape], name: str) -> list[float]:
    return [value for samples in scrapes for value in samples.all(name)]
