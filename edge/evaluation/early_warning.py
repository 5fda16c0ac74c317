"""NEWS2 of charted recordings, hour by hour: computed from the values as they stand, beside what the alarms say.

Everything is written here and in `edge.evaluation.rcp_2017` once more, from the chart and the text of docs/alarms.md:
nothing is shared with what decides, so that agreement means something. Each input counts for two charted hours,
consciousness and oxygen for twelve; what is older is missing. A missing input may be held at its last points: then
two totals are right, and all between them. Sepsis labels: `SepsisLabel` is 1 from 6 h before onset (challenge 2019).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.evaluation.rcp_2017 import BANDS, Reading, band, points
from edge.readers import Recording
from edge.readers.table import header_of, rows

INPUTS: Final = {
    "resp": ("resp",),
    "spo2": ("spo2",),
    "on_oxygen": ("on_oxygen", "fio2"),
    "sbp": ("abp_sys", "nbp_sys"),
    "pulse": ("pulse", "hr"),
    "consciousness": ("consciousness",),
    "temp": ("temp",),
}
"""Signals of each parameter, the first that is fresh counts."""

PLAUSIBLE: Final = {
    "resp": (0, 200),
    "spo2": (1, 100),
    "fio2": (18, 100),
    "abp_sys": (10, 350),
    "nbp_sys": (10, 350),
    "pulse": (1, 350),
    "hr": (1, 350),
    "temp": (10, 45),
}
"""What a sensor can report: another number is no reading."""

HOUR_MS: Final = 3_600_000
CHARTED_MS_MIN: Final = HOUR_MS
"""Recordings that are charted this seldom are scored hour by hour."""

INTERVALS: Final = 2
LASTING: Final = {"consciousness": 12 * HOUR_MS, "on_oxygen": 12 * HOUR_MS}
SETTLED_MS: Final = 60_000
"""An hour is scored a minute after it was charted, as an alarm with its delay is: what was 2 h old is too old then."""

LABEL: Final = "SepsisLabel"
HOUR: Final = "ICULOS"

Chart = Mapping[str, Sequence[tuple[int, Reading]]]
"""Valid readings of each signal, (time in ms, value), in order."""


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour: points by parameter, of fresh inputs and of those too old (`held`); the age of the oldest fresh one.

    `band` is the position in `BANDS` by the fresh inputs, None with too few of them.
    """

    t_ms: int
    points: Mapping[str, int]
    held: Mapping[str, int]
    band: int | None
    oldest_ms: int

    @property
    def inputs(self) -> int:
        """How many inputs were fresh."""
        return len(self.points)

    @property
    def total(self) -> int:
        """The points of what is fresh."""
        return sum(self.points.values())

    @property
    def total_held(self) -> int:
        """The points if all that is missing is held at its last ones."""
        return self.total + sum(self.held.values())

    @property
    def band_held(self) -> int:
        """The band if all that is missing is held."""
        return band({**self.points, **self.held})


@dataclass(frozen=True, slots=True)
class BandTable:
    """Hours by band (`BANDS`, and `unscored`) and by label ("1", "0", or "all" without labels)."""

    hours: Mapping[str, Mapping[str, int]]
    inputs: Mapping[int, int]
    oldest_input_h: float
    stays: int
    septic: int
    septic_reached: int | None
    """Septic stays that ever reached the medium or high band; None without labels."""
    others_reached: int | None
    """Other stays that did."""


def is_charted(recording: Recording) -> bool:
    """Whether the recording is a chart rather than a monitor's numerics."""
    return recording.interval_ms >= CHARTED_MS_MIN


def chart_of(recording: Recording) -> tuple[list[int], dict[str, list[tuple[int, Reading]]]]:
    """Return the times in ms at which something was charted, and the valid readings of each signal."""
    moments: list[int] = []
    chart: dict[str, list[tuple[int, Reading]]] = {}
    for frame in recording.frames():
        if frame.signals:
            moments.append(frame.t_ms)
        for signal, value in frame.signals.items():
            low, high = PLAUSIBLE.get(signal, (-float("inf"), float("inf")))
            if value is not None and (isinstance(value, str | bool) or low <= value <= high):
                chart.setdefault(signal, []).append((frame.t_ms, value))
    return moments, chart


def hours_of(moments: Sequence[int], chart: Chart, interval_ms: int, inputs_min: int) -> list[Hour]:
    """Score a stay `SETTLED_MS` after each moment at which something was charted."""
    return [_hour(chart, t_ms, interval_ms, inputs_min) for t_ms in dict.fromkeys(moments)]


def _hour(chart: Chart, t_ms: int, interval_ms: int, inputs_min: int) -> Hour:
    fresh: dict[str, int] = {}
    held: dict[str, int] = {}
    ages = [0]
    for parameter, names in INPUTS.items():
        for name in names:
            last = _last(chart.get(name, ()), t_ms)
            if last is None:
                continue
            age_ms, found = t_ms + SETTLED_MS - last[0], points(parameter, last[1])
            if age_ms <= max(LASTING.get(name, 0), INTERVALS * interval_ms):
                fresh[parameter] = found
                ages.append(age_ms)
                break
            held[parameter] = max(held.get(parameter, 0), found)
    held = {parameter: own for parameter, own in held.items() if parameter not in fresh}
    scored = band(fresh) if len(fresh) >= inputs_min else None
    return Hour(t_ms, fresh, held, scored, max(ages))


def _last(readings: Sequence[tuple[int, Reading]], t_ms: int) -> tuple[int, Reading] | None:
    return next((one for one in reversed(readings) if one[0] <= t_ms), None)


def labels_of(recording: Recording) -> dict[int, str]:
    """Return each labelled hour's label by its time in ms, empty without labels."""
    delimiter = "|"
    header = header_of(recording.path, delimiter)
    if LABEL not in header or HOUR not in header:
        return {}
    return dict(_labels(recording.path, delimiter))


def _labels(path: Path, delimiter: str) -> Iterator[tuple[int, str]]:
    for row in rows(path, delimiter):
        yield row[HOUR].time_ms(CHARTED_MS_MIN) - CHARTED_MS_MIN, row[LABEL].text.strip()


def band_table(hours: Mapping[str, Sequence[Hour]], labels: Mapping[str, Mapping[int, str]]) -> BandTable:
    """Count hours by band and label, and the stays that reached an urgent band (medium or high)."""
    counts: dict[str, Counter[str]] = {}
    inputs: Counter[int] = Counter()
    reached = {True: 0, False: 0}
    septic = {name for name, own in labels.items() if "1" in own.values()}
    for name, stay in hours.items():
        own = labels.get(name, {})
        for hour in stay:
            band = "unscored" if hour.band is None else BANDS[hour.band]
            counts.setdefault(own.get(hour.t_ms, "all"), Counter())[band] += 1
            inputs[hour.inputs] += 1
        reached[name in septic] += any(hour.band is not None and hour.band >= 2 for hour in stay)
    return BandTable(
        hours={label: dict(found) for label, found in sorted(counts.items())},
        inputs=dict(sorted(inputs.items())),
        oldest_input_h=max((hour.oldest_ms for stay in hours.values() for hour in stay), default=0) / 3.6e6,
        stays=len(hours),
        septic=len(septic),
        septic_reached=reached[True] if labels else None,
        others_reached=reached[False] if labels else None,
    )
