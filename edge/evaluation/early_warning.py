"""NEWS2 of charted recordings, hour by hour: computed from the values as they stand, beside what the alarms say.

Each input counts as long as `clinical.vitals` lets it, or for two charted hours where that is longer; what is older is
missing. The score is that of `clinical.scores`; everything around it is written here once more, so that agreement
with the alarms means something. Sepsis labels: `SepsisLabel` is 1 from 6 h before onset (challenge 2019).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from clinical.scores import BANDS, PARAMETERS, news2
from clinical.vitals import AGE_MS_MAX, INDEX
from edge.evaluation.episodes import Episode
from edge.evaluation.series import Series
from edge.readers import Recording
from edge.readers.table import header_of, rows

RULE: Final = "news2"
INPUTS: Final = {
    "resp": ("resp",),
    "spo2": ("spo2",),
    "on_oxygen": ("on_oxygen",),
    "sbp": ("abp_sys", "nbp_sys"),
    "pulse": ("pulse", "hr"),
    "consciousness": ("consciousness",),
    "temp": ("temp",),
}
"""Signals of each parameter, the first that is fresh counts."""

INTERVALS: Final = 2
SETTLED_MS: Final = 60_000
"""An hour is scored a minute after it was charted, as an alarm with its delay is: what was 2 h old is too old then."""

CHARTED_MS_MIN: Final = 3_600_000
"""Recordings that are charted this seldom are scored hour by hour."""

LABEL: Final = "SepsisLabel"
HOUR: Final = "ICULOS"


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour: position in `BANDS` by the lower bound, None with too few inputs; how many inputs were fresh."""

    t_ms: int
    inputs: int
    lower_bound: float
    band: int | None
    oldest_ms: int
    """Age of the oldest input that was used."""


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


def hours_of(series: Mapping[str, Series], interval_ms: int, inputs_min: int) -> list[Hour]:
    """Score a stay `SETTLED_MS` after each moment at which something was charted."""
    moments = sorted({int(t) for one in series.values() for t in one.t_ms})
    return [_hour(series, t_ms, interval_ms, inputs_min) for t_ms in moments]


def _hour(series: Mapping[str, Series], t_ms: int, interval_ms: int, inputs_min: int) -> Hour:
    values: dict[str, float] = {}
    ages = [0]
    for parameter, names in INPUTS.items():
        values[parameter] = float("nan")
        for name in names:
            age_max = max(int(AGE_MS_MAX[INDEX[name]]), INTERVALS * interval_ms)
            found = _last(series.get(name), t_ms + SETTLED_MS, age_max)
            if found is not None:
                values[parameter] = found[0]
                ages.append(found[1])
                break
    arrays = {name: np.array([values[name]]) for name in PARAMETERS}
    scored = news2(**arrays, scale2=np.zeros(1, dtype=np.bool_))
    inputs = len(PARAMETERS) - int(scored.missing_count[0])
    band = int(scored.band[0]) if inputs >= inputs_min else None
    return Hour(t_ms, inputs, float(scored.lower_bound[0]), band, max(ages))


def _last(series: Series | None, t_ms: int, age_ms_max: int) -> tuple[float, int] | None:
    """Return (value, age in ms) of the newest valid reading, None if it is too old or there is none."""
    if series is None:
        return None
    for place in range(int(np.searchsorted(series.t_ms, t_ms, side="right")) - 1, -1, -1):
        age_ms = t_ms - int(series.t_ms[place])
        if age_ms > age_ms_max:
            return None
        if not np.isnan(series.values[place]):
            return float(series.values[place]), age_ms
    return None


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


def agreement(hours: Mapping[str, Sequence[Hour]], episodes: Sequence[Episode]) -> tuple[int, int]:
    """Return (scored hours at which the alarm is open just where the band calls for one, all scored hours).

    An hour is compared at its end, when the alarm's delay has passed.
    """
    agreed = total = 0
    for name, stay in hours.items():
        own = [one for one in episodes if one.patient == name and one.rule == RULE]
        for hour, following in zip(stay, [*stay[1:], None], strict=True):
            if hour.band is None:
                continue
            over_ms = hour.t_ms + CHARTED_MS_MIN
            at_ms = min(over_ms, following.t_ms if following else over_ms) - 1
            is_open = any(one.start_ms <= at_ms and (one.end_ms > at_ms or not one.ended) for one in own)
            total += 1
            agreed += is_open == (hour.band > 0)
    return agreed, total
